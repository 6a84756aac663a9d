import { type Variable, variables } from '../../src/config.ts'
import { mongod, redis } from '../../src/embedded/server-kinds.ts'
import { code, page, table } from './markdown.ts'

/** docs/reference/config.md: the variables of src/config.ts, and those that only find or start servers. */
export function configPage(of: readonly Variable[] = variables): string {
  return page(
    '# Configuration',
    'Every process reads its settings from the environment, once, at its start. A value that cannot be used ends the start with exit code 64; all faults are ' +
      'named at once, and no value is printed. An empty variable counts as unset.',
    table(
      ['Variable', 'Default', 'Meaning'],
      of.map(({ name, default: value, isRequired, description }) => [
        code(name),
        isRequired ? 'required' : value === undefined ? '' : code(value),
        description,
      ]),
    ),
    '`ovation consume` needs no secret. `npm start` (`ovation dev`) sets `REDIS_URL`, `MONGODB_URL` and `JWT_SECRET` itself where they are unset, and takes any free ' +
      '`OPS_PORT`. The other verbs take both URLs from `.ovation/run.json` of a deployment that runs in this folder or one above it.',
    '## Servers that `npm start` and the tests start',
    table(
      ['Variable', 'Meaning'],
      [
        ...[redis, mongod].map(({ variable, name, binaries, oldest }) => [
          code(variable),
          `A ${name} binary: a path, or a name on PATH. Unset: ${binaries.map(code).join(' or ')} on PATH. At least version ${oldest}.`,
        ]),
        ['`OVATION_CACHE`', 'Folder of the fetched binaries. Unset: `ovation` in `XDG_CACHE_HOME`, or else in `~/.cache`.'],
      ],
    ),
    'Generated from `src/config.ts` and `src/embedded/server-kinds.ts` by `npm run docs`.',
  )
}
