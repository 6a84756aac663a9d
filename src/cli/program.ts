import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { consume } from './consume.ts'
import { dev } from './dev.ts'
import { drill } from './drill.ts'
import { groups } from './groups.ts'
import { hotspots } from './hotspots.ts'
import { importing } from './import.ts'
import { serve } from './serve.ts'
import { token } from './token.ts'

const packageFile = new URL('../../package.json', import.meta.url)
const footer = `
Verbs are about the deployment that runs in this folder (npm start), unless REDIS_URL and MONGODB_URL name another; drill starts one of its own.
Exit codes: 0 fine, 1 error, 2 a condition is false, 64 usage, 69 a server does not answer.`

/** The `ovation` command. A verb loads what it needs when it runs, so that help is quick. */
export function createProgram(write?: (text: string) => void): Command {
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8')) as { version: string }
  const program = new Command('ovation')
    .description('Comments that hold when the artist walks in: a log in Redis Streams, projected into MongoDB and Redis.')
    .version(version)
    .exitOverride()
    .configureOutput(write ? { writeOut: write, writeErr: write } : {})
    .helpCommand(false)
    .showHelpAfterError('(--help says more)')
    .addHelpText('after', footer)
  program.commandsGroup('Run:')
  for (const verb of [dev, serve, consume]) verb(program)
  program.commandsGroup('Data:')
  for (const verb of [importing, token]) verb(program)
  program.commandsGroup('Look:')
  for (const verb of [groups, drill]) verb(program)
  program.commandsGroup('Act:')
  hotspots(program)
  return program
}
