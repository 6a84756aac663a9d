import { expect, test } from 'vitest'
import { exitOf } from './exit-codes.ts'
import { createProgram } from './program.ts'

async function ovation(...args: string[]): Promise<{ code: number; text: string }> {
  let text = ''
  const error: unknown = await createProgram((more) => (text += more))
    .parseAsync(args, { from: 'user' })
    .then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
  return { code: error === undefined ? 0 : exitOf(error).code, text }
}

test.each([
  ['--help', 0, 'Exit codes: 0 fine'],
  ['--version', 0, '.'],
  ['groups --help', 0, '--max-lag <events>'],
  ['import youtube --help', 0, 'Exits 2 when a row was refused'],
  ['', 64, 'Usage: ovation'],
  ['nonsense', 64, "unknown command 'nonsense'"],
  ['groups --nonsense', 64, "unknown option '--nonsense'"],
  ['groups --max-lag x', 64, 'whole number'],
  ['groups --watch 0', 64, 'whole number'],
  ['import', 64, 'youtube'],
  ['import youtube --topic song:a', 64, "missing required argument 'csv'"],
  ['import youtube a.csv', 64, '--topic'],
  ['token', 64, '--sub'],
  ['token --sub a --role king', 64, 'Allowed choices'],
  ['token --sub a --expires soon', 64, 'such as 30m'],
  ['token --sub a --topics a/b', 64, 'topics with commas'],
  ['serve --role nobody', 64, 'Allowed choices'],
  ['consume --groups store,nobody', 64, 'store, counts, likes, feed'],
  ['consume --lanes slow', 64, 'priority, global, hot'],
  ['consume --concurrency 0', 64, 'whole number'],
  ['consume --name a/b', 64, '1 to 64 of'],
  ['consume --help', 0, '--hot-duty <percent>'],
  ['consume --hot-batch 1001', 64, 'whole number, 1 to 1000'],
  ['consume --hot-duty 0', 64, 'whole number, 1 to 100'],
  ['hotspots', 64, 'promote'],
  ['hotspots promote a/b', 64, 'a topic is 1 to 128'],
  ['hotspots promote song:a --for 2', 64, 'such as 30m'],
  ['hotspots ls --watch 0', 64, 'whole number'],
])('ovation %s', async (args, code, text) => {
  const ended = await ovation(...args.split(' ').filter(Boolean))
  expect(ended).toMatchObject({ code, text: expect.stringContaining(text) })
})

test('every verb has its line in the help', async () => {
  const { text } = await ovation('--help')
  for (const verb of ['dev', 'serve', 'consume', 'import', 'token', 'groups', 'hotspots'])
    expect(text).toMatch(new RegExp(`^  ${verb} `, 'm'))
  expect(text).toMatch(/Run:[^]*Data:[^]*Look:/)
})
