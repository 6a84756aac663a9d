import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { decodeJwt } from 'jose'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const sample = fileURLToPath(new URL('../../data/youtube-spam-collection/Youtube02-KatyPerry.csv', import.meta.url))
const tsx = import.meta.resolve('tsx')
const database = `cli-test-${process.pid}`
const stores = {
  REDIS_URL: inject('redisUrl'),
  MONGODB_URL: inject('mongodbUrl').replace(/\/(\?|$)/, `/${database}$1`),
  KEY_PREFIX: `${database}:`,
}
let empty: string
let home: string

beforeAll(() => {
  empty = mkdtempSync(join(tmpdir(), 'cli-empty-'))
  home = mkdtempSync(join(tmpdir(), 'cli-home-'))
})
afterAll(async () => {
  rmSync(empty, { recursive: true })
  rmSync(home, { recursive: true })
  const mongo = await MongoClient.connect(stores.MONGODB_URL)
  for (const name of [database, `${database}-apart`, `${database}-behind`]) await mongo.db(name).dropDatabase()
  await mongo.close()
})

function begin(args: readonly string[], env: Record<string, string> = {}, cwd = empty): ChildProcess & { out(): string } {
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(process.execPath, ['--import', tsx, main, ...args], { cwd, env: { PATH, HOME, LOG_LEVEL: 'fatal', ...env } })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (out += text))
  return Object.assign(child, { out: () => out })
}
async function ovation(args: readonly string[], env?: Record<string, string>, cwd?: string) {
  const child = begin(args, env, cwd)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: child.out() }
}
async function until(condition: () => boolean, timeoutMs = 25_000): Promise<void> {
  for (const deadline = Date.now() + timeoutMs; !condition(); await new Promise((resolve) => setTimeout(resolve, 20))) {
    if (Date.now() > deadline) throw new Error('waited too long')
  }
}

describe.concurrent('exit codes', () => {
  test.each([
    [['--help'], 0, 'Exit codes: 0 fine'],
    [['groups', '--max-lag', 'x'], 64, 'whole number'],
    [['groups'], 69, 'no deployment is running here: npm start, or set REDIS_URL and MONGODB_URL'],
    [['token', '--sub', 'a'], 69, 'no development secret'],
  ])('%j', async (args, code, text) => {
    const ended = await ovation(args)
    expect(ended).toMatchObject({ code, out: expect.stringContaining(text) })
    expect(ended.out).not.toMatch(/^\s+at /m)
  })

  test.each([
    [
      'a refusing Redis',
      ['groups'],
      { REDIS_URL: 'redis://:secret@127.0.0.1:1', MONGODB_URL: 'mongodb://127.0.0.1:1' },
      69,
      'Redis does not answer at redis://127.0.0.1:1',
    ],
    [
      'a refusing MongoDB',
      ['import', 'youtube', sample, '--topic', 'song:a'],
      { ...stores, MONGODB_URL: 'mongodb://127.0.0.1:1' },
      69,
      'MongoDB does not answer',
    ],
    ['a wrong environment', ['groups'], { ...stores, PARTITIONS: 'many' }, 64, 'PARTITIONS'],
    ['no topic', ['import', 'youtube', sample, '--topic', 'a b'], stores, 64, 'a topic is 1 to 128'],
    ['no file', ['import', 'youtube', 'none.csv', '--topic', 'song:a'], stores, 64, 'none.csv cannot be read: ENOENT'],
  ])('%s', async (_, args, env, code, text) => {
    const ended = await ovation(args, env)
    expect(ended).toMatchObject({ code, out: expect.stringContaining(text) })
    expect(ended.out).not.toMatch(/^\s+at |secret/m)
  })

  test('a server that accepts and says nothing is given up', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as { port: number }
    const ended = await ovation(['groups'], { ...stores, REDIS_URL: `redis://127.0.0.1:${port}` })
    silent.close()
    expect(ended).toMatchObject({ code: 69, out: expect.stringContaining('no answer within 2 s') })
  })

  test('what a deployment left behind when it was killed does not pass for one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'cli-stale-'))
    mkdirSync(join(folder, '.ovation'))
    writeFileSync(
      join(folder, '.ovation', 'run.json'),
      JSON.stringify({ pid: 2 ** 22 + 1, url: '', redisUrl: stores.REDIS_URL, mongodbUrl: stores.MONGODB_URL }),
    )
    expect(await ovation(['groups'], {}, folder)).toMatchObject({ code: 69, out: expect.stringContaining('no deployment is running here') })
    rmSync(folder, { recursive: true })
  })

  test('a token is printed alone and says what was asked', async () => {
    const secret = 's'.repeat(32)
    const { code, out } = await ovation(
      ['token', '--sub', 'psy', '--name', 'PSY', '--role', 'artist', '--topics', 'song:psy*,song:x', '--expires', '30m'],
      { JWT_SECRET: secret },
    )
    expect(code).toBe(0)
    expect(out).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/)
    const claims = decodeJwt(out.trim())
    expect(claims).toMatchObject({ sub: 'psy', name: 'PSY', role: 'artist', topics: ['song:psy*', 'song:x'] })
    expect(claims.exp! - claims.iat!).toBe(1_800)
  })
})

test('dev runs all of it, the other verbs find it, and it goes without a trace', { timeout: 60_000 }, async () => {
  const dev = begin(['dev'], { ...stores, PORT: '0' }, home)
  const exit = once(dev, 'close')
  await until(() => /^ready /m.test(dev.out()) || dev.exitCode !== null)
  const [, url] = /^ready (http:\/\/127\.0\.0\.1:\d+)$/m.exec(dev.out()) ?? []
  expect({ url, out: dev.out() }).toMatchObject({ url: expect.any(String) })
  const run = JSON.parse(readFileSync(join(home, '.ovation', 'run.json'), 'utf8')) as Record<string, unknown>
  expect(run).toMatchObject({ pid: dev.pid, url, redisUrl: stores.REDIS_URL, mongodbUrl: stores.MONGODB_URL })

  const counts = await (await fetch(`${url}/v1/counts?topics=song:psy,song:katyperry,song:lmfao`)).json()
  expect(counts).toEqual({
    counts: {
      'song:psy': { total: 350, roots: 350 },
      'song:katyperry': { total: 350, roots: 350 },
      'song:lmfao': { total: 438, roots: 438 },
    },
  })
  const [groups, again, second, token] = await Promise.all([
    ovation(['groups', '--json'], {}, home),
    ovation(['import', 'youtube', sample, '--topic', 'song:katyperry', '--json'], {}, home),
    ovation(['dev'], { ...stores, PORT: '0' }, home),
    ovation(['token', '--sub', 'ann'], {}, home),
  ])
  expect(groups).toMatchObject({ code: 0 })
  expect(JSON.parse(groups.out)).toContainEqual(
    expect.objectContaining({ group: 'store', lane: 'global', head: 1_138, position: 1_138, lagEvents: 0, status: 'ok' }),
  )
  expect(JSON.parse(again.out)).toMatchObject({ read: 350, taken: 0, repeated: 350, refused: [] })
  expect(second).toMatchObject({ code: 1, out: expect.stringContaining(`a deployment runs in this folder: ${url}, pid ${dev.pid}`) })
  const headers = { authorization: `Bearer ${token.out.trim()}`, 'content-type': 'application/json' }
  const posted = await fetch(`${url}/v1/topics/song:psy/comments`, { method: 'POST', headers, body: '{"body":"Hello"}' })
  expect(posted.status).toBe(201)

  dev.kill('SIGINT')
  dev.kill('SIGINT')
  expect({ code: (await exit)[0], out: dev.out() }).toMatchObject({ code: 0 })
  expect(existsSync(join(home, '.ovation', 'run.json'))).toBe(false)

  const later = begin(['dev'], { ...stores, PORT: '0' }, home)
  await until(() => /^ready /m.test(later.out()) || later.exitCode !== null)
  expect(later.out()).not.toContain('comments taken')
  later.kill('SIGTERM')
  expect({ code: (await once(later, 'close'))[0], out: later.out() }).toMatchObject({ code: 0 })
})

test('serve and consume run apart and end in order', { timeout: 60_000 }, async () => {
  const env = {
    ...stores,
    KEY_PREFIX: `${database}-apart:`,
    MONGODB_URL: stores.MONGODB_URL.replace(database, `${database}-apart`),
    JWT_SECRET: 's'.repeat(32),
  }
  const verbose = { ...env, LOG_LEVEL: 'info' }
  const consume = begin(['consume', '--groups', 'store', '--lanes', 'priority,global', '--name', 'one'], verbose)
  const serve = begin(['serve', '--role', 'read'], { ...verbose, PORT: '0', OPS_PORT: '0' })
  const exits = Promise.all([once(consume, 'close'), once(serve, 'close')])
  await until(() => consume.out().includes('"consuming"') && serve.out().includes('API is listening'))
  await until(() => (consume.out().match(/partition opened/g) ?? []).length === 8)
  const groups = await ovation(['groups', '--json'], env)
  expect(JSON.parse(groups.out)).toContainEqual(expect.objectContaining({ group: 'store', lane: 'global', consumers: 1, status: 'ok' }))
  expect(JSON.parse(groups.out)).toContainEqual(
    expect.objectContaining({ group: 'likes', lane: 'global', consumers: 0, status: 'no consumer' }),
  )
  const [, url] = /"url":"([^"]+)"/.exec(serve.out()) ?? []
  expect((await fetch(`${url}/healthz`)).status).toBe(200)
  consume.kill('SIGTERM')
  serve.kill('SIGTERM')
  expect({ codes: (await exits).map(([code]) => code as number), out: consume.out() + serve.out() }).toMatchObject({ codes: [0, 0] })
})

test('groups exits 2 when a group is behind too far', async () => {
  const env = { ...stores, KEY_PREFIX: `${database}-behind:`, MONGODB_URL: stores.MONGODB_URL.replace(database, `${database}-behind`) }
  const taken = await ovation(['import', 'youtube', sample, '--topic', 'song:behind', '--json'], env)
  expect(taken).toMatchObject({ code: 0 })
  expect(JSON.parse(taken.out)).toMatchObject({ taken: 350 })
  expect(await ovation(['groups', '--max-lag', '349'], env)).toMatchObject({
    code: 2,
    out: expect.stringMatching(/store\s+global\s+8\s+350\s+0\s+350\s.*stalled/),
  })
  expect(await ovation(['groups', '--max-lag', '350'], env)).toMatchObject({ code: 0 })
})
