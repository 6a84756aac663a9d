import type { Command } from 'commander'
import { createProgram } from '../../src/cli/program.ts'
import { page } from './markdown.ts'

/** docs/reference/cli.md: what `ovation <verb> --help` prints, a section a verb. */
export function cliPage(): string {
  let text = ''
  const program = createProgram((more) => (text += more))
  const helpOf = (command: Command) => {
    text = ''
    // Whatever the terminal of the person who generates it.
    command.configureOutput({ getOutHelpWidth: () => 110, getOutHasColors: () => false })
    command.outputHelp()
    return `\`\`\`text\n${text.trimEnd()}\n\`\`\``
  }
  return page(
    '# The `ovation` command',
    'In a clone: `npx ovation <verb>`, after `npm ci`. In the image it is the entry point: `docker compose run --rm consumers groups`. ' +
      'Results go to stdout, so does the JSON log of `serve` and `consume`; progress and faults go to stderr.',
    helpOf(program),
    ...verbsOf(program).flatMap((verb) => [`## ${nameOf(verb)}`, helpOf(verb)]),
    'Generated from `src/cli/program.ts` by `npm run docs`.',
  )
}

/** Those that do something, in the order of the help. */
const verbsOf = (command: Command): Command[] => command.commands.flatMap((verb) => (verb.commands.length > 0 ? verbsOf(verb) : [verb]))

const nameOf = (command: Command): string => (command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name())
