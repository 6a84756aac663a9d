import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../test/deployment.ts'
import { runController } from '../consumers/hotspots/run-controller.ts'
import { defaultLimits } from '../hotspot-limits.ts'
import { listHotspots } from '../events/hotspots.ts'

const main = fileURLToPath(new URL('main.ts', import.meta.url))
const tsx = import.meta.resolve('tsx')
const topic = 'song:hot'
/** Every command is a process of its own. */
const slow = { timeout: 120_000 }
let ovation: Deployment
const stopping: (() => Promise<void>)[] = []
beforeEach(() => {
  ovation = createDeployment()
})
afterEach(async () => {
  for (const stop of stopping.splice(0)) await stop()
  await ovation.close()
})

function begin(args: readonly string[], more: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env
  const { prefix, partitions } = ovation.keys
  const stores = { REDIS_URL: inject('redisUrl'), MONGODB_URL: ovation.mongodbUrl, KEY_PREFIX: prefix, PARTITIONS: `${partitions.length}` }
  const env = { PATH, HOME, LOG_LEVEL: 'fatal', ...stores, ...more }
  const child = spawn(process.execPath, ['--import', tsx, main, 'hotspots', ...args], { cwd: tmpdir(), env })
  let out = ''
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (out += text))
  return { child, out: () => out, ended: once(child, 'close').then(([code]) => ({ code: code as number | null, out })) }
}
const hotspots = (...args: string[]) => begin(args).ended
const rows = async () => JSON.parse((await hotspots('ls', '--json')).out) as Record<string, unknown>[]
const controlled = async (limits = defaultLimits) => {
  const abort = new AbortController()
  const ended = runController({ redis: ovation.redis, keys: ovation.keys, limits, log: quiet }, abort.signal)
  stopping.push(async () => {
    abort.abort()
    await ended
  })
  await until(async () => (await ovation.redis.exists(ovation.keys.hotspots.limits)) === 1)
}

test('promote, ls, why and demote, on a topic with a backlog', slow, async () => {
  const { post } = commandsOn(ovation.append)
  await post('song:other', 'ann')
  expect(await hotspots('ls')).toEqual({ code: 0, out: 'no topic is hot\n' })
  expect(await hotspots('promote', topic, '--for', '2h')).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^song:hot is hot until 20.*Z\n$/),
  })
  for (let i = 0; i < 3; i++) await post(topic, 'ann')
  expect(await hotspots('ls')).toMatchObject({
    code: 0,
    out: expect.stringMatching(
      /^TOPIC +STATE +BY +SINCE +UNTIL +WRITES\/S +READS\/S +BACKLOG\nsong:hot +hot +operator +20\S+Z +20\S+Z +\d +0 +3\n$/,
    ),
  })
  const [row] = await rows()
  expect(row).toMatchObject({ topic, state: 'hot', by: 'operator', backlog: 3 })
  expect((row!['untilMs'] as number) - (row!['sinceMs'] as number)).toBeGreaterThan(7_199_000)
  const why = await hotspots('why', topic)
  expect(why).toMatchObject({ code: 0, out: expect.stringMatching(/promoted by a person, until .*\n.*It is demoted in 1h59m, unless/s) })
  expect(why.out).toMatch(/ {2}store +3 to read, 0 in hand\n/)
  expect(why.out).toContain('No consumer process runs')
  expect(await hotspots('demote', topic)).toMatchObject({ code: 0, out: expect.stringContaining('not hot any more') })
  expect(await rows()).toMatchObject([{ topic, state: 'draining', backlog: 3 }])
  const after = await hotspots('why', topic)
  expect(after).toMatchObject({ code: 2, out: expect.stringContaining('song:hot drains') })
  expect(await hotspots('demote', topic)).toMatchObject({ code: 2, out: 'song:hot is not hot\n' })
})

test('a promotion reaches every group in less than 2 s and ends by itself', slow, async () => {
  await ovation.consume({ hotspots: { ...defaultLimits, retireAfterMs: 0 } })
  const { post } = commandsOn(ovation.append)
  await post('song:other', 'ann')
  await ovation.caughtUp()
  const took: number[] = []
  for (const of of [topic, 'song:b', 'song:c']) {
    expect(await hotspots('promote', of, '--for', '3s')).toMatchObject({ code: 0 })
    const startedMs = performance.now()
    await post(of, 'ann')
    expect(await ovation.redis.xlen(ovation.keys.of(of).hot(of))).toBe(1)
    await ovation.caughtUp()
    took.push(performance.now() - startedMs)
  }
  expect(Math.min(...took)).toBeLessThan(2_000) // of three, since others may need the machine
  await until(async () => (await listHotspots(ovation.redis, ovation.keys)).length === 0)
  await post(topic, 'ann')
  expect(await ovation.redis.exists(ovation.keys.of(topic).hot(topic))).toBe(0)
})

test('what a person demotes is not promoted at once by its rate, and why says so', slow, async () => {
  await commandsOn(ovation.append).post(topic, 'ann') // in the global lane
  await hotspots('promote', topic)
  const second = Number((await ovation.redis.time())[0])
  for (let ahead = -2; ahead < 60; ahead++) await ovation.redis.zadd(ovation.keys.reads(second + ahead), 9_000, topic)
  await controlled({ ...defaultLimits, readsPerSecond: 3_000 })
  expect(await hotspots('demote', topic)).toMatchObject({ code: 0 })
  await until(async () => (await listHotspots(ovation.redis, ovation.keys)).length === 0) // never written to, so retired
  const why = await hotspots('why', topic)
  expect(why.out).toMatch(/not hot.*9,000 reads\/s \(hot from 3,000.*A person demoted it: not promoted by its rates for \d/s)
  await ovation.redis.zadd(ovation.keys.hotspots.held, 1, topic)
  await until(async () => (await listHotspots(ovation.redis, ovation.keys)).length === 1)
  expect((await hotspots('why', topic)).out).toMatch(
    /promoted by its reads, 9,000 a second\.\n.*demoted when both rates have been below a quarter for 1m00s/s,
  )
  const facts = JSON.parse((await hotspots('why', topic, '--json')).out) as Record<string, unknown>
  expect(facts).toMatchObject({ state: 'hot', by: 'reads', readsPerSecond: 9_000, isControlled: true, limits: { readsPerSecond: 3_000 } })
})

test('ls --watch repeats until Ctrl-C', slow, async () => {
  const { child, out, ended } = begin(['ls', '--watch', '1'])
  await until(async () => out().split('no topic is hot').length > 2)
  child.kill('SIGINT')
  expect(await ended).toMatchObject({ code: 0 })
})

test.each([
  [['promote', 'a/b'], 64, 'a topic is 1 to 128'],
  [['promote', 'ovation:users'], 64, 'No comments are on this one'],
  [['promote', topic, '--for', '2'], 64, 'such as 30m'],
  [['why'], 64, 'missing required argument'],
  [['nonsense'], 64, 'unknown command'],
])('%j exits with %i', async (args, code, text) => {
  expect(await hotspots(...args)).toMatchObject({ code, out: expect.stringContaining(text) })
})

test('a Redis that does not answer is 69', async () => {
  const { ended } = begin(['ls'], { REDIS_URL: 'redis://127.0.0.1:1' })
  expect(await ended).toMatchObject({ code: 69, out: expect.stringContaining('Redis does not answer') })
})
