import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const main = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
const tsx = import.meta.resolve('tsx')
type Row = { id: string; verdict: 'ok' | 'FAILED' | 'not checked'; measured: string; note?: string }
type Result = { ok: boolean; rows: Row[] }

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'drill-test-'))
})
afterAll(() => rm(folder, { recursive: true }))

async function ovation(...args: string[]) {
  const { REDIS_URL: _, MONGODB_URL: __, JWT_SECRET: ___, ...env } = process.env
  const child = spawn(process.execPath, ['--import', tsx, main, ...args], {
    cwd: folder,
    env: { ...env, TMPDIR: folder },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said = { out: '', err: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.out += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.err += text))
  const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, ...said }))
  return { child, said, ended }
}

/** The shortest landing that has every row. */
async function land(...more: string[]) {
  const { ended } = await ovation('drill', 'landing', '--short', '--topics', '50', '--backlog', '2000', '--json', ...more)
  const { code, out, err } = await ended
  if (out === '') throw new Error(`no table; it said:\n${err}`)
  const { rows } = JSON.parse(out) as Result
  return {
    code,
    rows,
    failed: rows.filter(({ verdict }) => verdict === 'FAILED'),
    ids: new Set(rows.flatMap(({ id, verdict }) => (verdict === 'FAILED' ? id : []))),
  }
}

// Again where other work on the machine made others wait: the drill has to pass, not the machine.
test('the landing passes, every row is checked, and the page has it all', { timeout: 200_000, retry: 1 }, async () => {
  const page = join(folder, 'drill.html')
  const { code, rows, failed } = await land('--report', page)
  expect(failed).toEqual([])
  expect(code).toBe(0)
  // A short run has too few samples to judge isolation by.
  expect(rows.filter(({ id, verdict }) => verdict !== (id === 'isolation' ? 'not checked' : 'ok'))).toEqual([])
  const html = readFileSync(page, 'utf8')
  expect(html.match(/<svg/g)).toHaveLength(5)
  expect(html).not.toMatch(/<script|https?:\/\//)
  expect(html).toContain(`${rows.length - 1} passed, 1 not checked`)
})

test('lanes that are merged are found: who freezes the hot consumers freezes everybody', { timeout: 200_000 }, async () => {
  const { code, ids } = await land('--plant', 'merged-lanes')
  expect(code).toBe(2)
  expect([...ids]).toEqual(expect.arrayContaining(['lag-of-others', 'artist-post', 'artist-pin']))
  for (const exact of ['persisted', 'archived', 'counts-exact', 'likes-exact']) expect(ids).not.toContain(exact)
})

test('a group that is stopped is found: its numbers are wrong', { timeout: 200_000 }, async () => {
  const { code, ids } = await land('--plant', 'stopped-group')
  expect(code).toBe(2)
  expect([...ids]).toEqual(expect.arrayContaining(['counts-exact', 'lag-of-others', 'drained']))
  for (const exact of ['persisted', 'archived', 'likes-exact']) expect(ids).not.toContain(exact)
})

describe('before anything is started', () => {
  test.each([
    [['--url', 'https://comments.example.org'], '--i-run-this-deployment'],
    [['--url', 'http://127.0.0.1:9', '--write-url', 'http://10.0.0.1'], '--i-run-this-deployment'],
    [['--write-url', 'http://127.0.0.1:9'], '--url'],
    [['--url', 'http://127.0.0.1:9', '--plant', 'merged-lanes'], '--plant'],
    [['--url', 'nowhere'], 'http or https URL'],
    [['--url', 'http://127.0.0.1:9'], 'JWT_SECRET'],
    [['--report', 'no-such-folder/drill.html'], 'no-such-folder/drill.html cannot be written', 1],
  ] as [string[], string, number?][])('%j is refused', { timeout: 60_000 }, async (args, text, exitCode = 64) => {
    const { code, err } = await (await ovation('drill', 'landing', ...args)).ended
    expect(err).toContain(text)
    expect(code).toBe(exitCode)
  })
})

test('a Ctrl-C stops everything that was started', { timeout: 60_000 }, async () => {
  const { child, said, ended } = await ovation('drill', 'soak', '--for', '1m')
  while (!said.err.includes('bears') && child.exitCode === null) await once(child.stderr, 'data')
  child.kill('SIGINT')
  const { code, err } = await ended
  expect(err).toContain('stopping what was started')
  expect(code).toBe(130)
  expect(readdirSync(folder).filter((name) => name.startsWith('ovation-drill-'))).toEqual([])
})
