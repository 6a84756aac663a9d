#!/usr/bin/env node
import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { consume } from './consume.ts'
import { dev } from './dev.ts'
import { exitOf } from './exit-codes.ts'
import { groups } from './groups.ts'
import { importing } from './import.ts'
import { serve } from './serve.ts'
import { token } from './token.ts'

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string }

const program = new Command('ovation')
  .description('Comments that hold when the artist walks in: a log in Redis Streams, projected into MongoDB and Redis.')
  .version(version)
  .exitOverride()
  .configureHelp({ showGlobalOptions: false })
  .helpCommand(false)
  .showHelpAfterError('(--help says more)')
  .addHelpText(
    'after',
    `
Every verb is about the deployment that runs in this folder (npm start), unless REDIS_URL and MONGODB_URL name another.
Exit codes: 0 fine, 1 error, 2 a condition is false, 64 usage, 69 a server does not answer.`,
  )

program.commandsGroup('Run:')
dev(program)
serve(program)
consume(program)
program.commandsGroup('Data:')
importing(program)
token(program)
program.commandsGroup('Look:')
groups(program)

try {
  await program.parseAsync()
} catch (error) {
  const { code, line } = exitOf(error)
  if (line === undefined) console.error(error)
  else if (line !== '') console.error(`ovation: ${line}`)
  process.exitCode = code
}
