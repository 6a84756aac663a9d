#!/usr/bin/env node
import { exitOf } from './exit-codes.ts'
import { createProgram } from './program.ts'

try {
  await createProgram().parseAsync()
} catch (error) {
  const { code, line } = exitOf(error)
  if (line === undefined) console.error(error)
  else if (line !== '') console.error(`ovation: ${line}`)
  process.exitCode = code
}
