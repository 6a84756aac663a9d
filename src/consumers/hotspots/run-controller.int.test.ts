import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn } from '../../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../../test/deployment.ts'
import { type PrivateRedis, startPrivateRedis } from '../../../test/private-redis.ts'
import { demote, listHotspots, promote } from '../../events/hotspots.ts'
import { demoteByHand } from './by-hand.ts'
import { type HotspotLimits, defaultLimits } from '../../hotspot-limits.ts'
import { connectRedis } from '../../redis/connect.ts'
import { serverMs } from '../../redis/server-ms.ts'
import { createLease } from './lease.ts'
import { runController } from './run-controller.ts'

const topic = 'song:hot'
const limits: HotspotLimits = { ...defaultLimits, coolDownMs: 1_000, retireAfterMs: 0 }
let ovation: Deployment
const stops: (() => Promise<void>)[] = []
beforeEach(() => {
  ovation = createDeployment()
})
afterEach(async () => {
  await stopAll()
  await ovation.close()
})
async function stopAll() {
  for (const stop of stops.splice(0)) await stop()
}

/** A controller in a process of its own, as far as Redis can tell. */
function start(of: Partial<HotspotLimits> = {}, wrap = (connection: Redis) => connection) {
  const connection = wrap(connectRedis(ovation.redisUrl, 'consumer', quiet))
  const said: Record<string, unknown>[] = []
  const log = pino({ level: 'info' }, { write: (line: string) => said.push(JSON.parse(line) as Record<string, unknown>) })
  const stopping = new AbortController()
  const ended = runController({ redis: connection, keys: ovation.keys, limits: { ...limits, ...of }, log }, stopping.signal)
  const stop = async () => {
    stopping.abort()
    await ended
    connection.disconnect()
  }
  stops.push(stop)
  return { said, stop, messages: () => said.map(({ msg }) => msg as string), connection }
}
const hotspots = () => listHotspots(ovation.redis, ovation.keys)
const hotspotOf = async (of: string) => (await hotspots()).find((hotspot) => hotspot.topic === of)
/** That many posts, one after the other or as many a second. */
async function flood(count: number, of = topic) {
  const { post } = commandsOn(ovation.append)
  for (let sent = 0; sent < count; sent += 50) await Promise.all(Array.from({ length: Math.min(50, count - sent) }, () => post(of, 'ann')))
}
const report = (second: number, reads: Record<string, number>) =>
  ovation.redis.zadd(ovation.keys.reads(second), ...Object.entries(reads).flatMap(([of, n]) => [n, of]))
const nowSecond = async () => Math.floor((await serverMs(ovation.redis)) / 1_000)

test('a drained stream is kept for a while, unless too many wait', async () => {
  const { redis, keys } = ovation
  await promote(redis, keys, topic)
  await flood(1)
  const consumers = await ovation.consume()
  await ovation.caughtUp()
  await consumers.stop()
  await demote(redis, keys, topic)
  const rounds = () => redis.get(keys.hotspots.limits)
  const patient = start({ retireAfterMs: 600_000 })
  await until(async () => (await rounds()) !== null) // it has looked and acted
  expect((await hotspotOf(topic))?.state).toBe('draining')
  await patient.stop()
  start({ retireAfterMs: 600_000, topics: 1 })
  await until(async () => (await hotspotOf(topic)) === undefined)
})

test('a flood is promoted in less than 3 s, says so with its rate, and is demoted and retired when it is over', async () => {
  await commandsOn(ovation.append).post(topic, 'ann')
  await ovation.consume()
  const { said } = start()
  await until(async () => (await ovation.redis.exists(ovation.keys.hotspots.limits)) === 1)
  /** When there have been as many writes as make the limit: at once, unless the machine is busy. */
  let startedMs = Infinity
  const over = new AbortController()
  const flooding = (async () => {
    for (let sent = 0; !over.signal.aborted; sent += 20) {
      if (sent === 2 * limits.writesPerSecond) startedMs = performance.now()
      await flood(20)
    }
  })()
  await until(async () => (await hotspotOf(topic)) !== undefined)
  const tookMs = performance.now() - Math.min(startedMs, performance.now())
  over.abort()
  await flooding
  expect(tookMs).toBeLessThan(3_000)
  expect(await hotspots()).toEqual([expect.objectContaining({ topic, state: 'hot', by: 'writes', untilMs: null })])
  expect((await hotspotOf(topic))!.rate).toBeGreaterThanOrEqual(100)
  await until(async () => said.length === 3)
  expect(await hotspots()).toEqual([])
  expect(said).toEqual([
    expect.objectContaining({ msg: 'topic promoted', topic, by: 'writes', writesPerSecond: expect.any(Number) as number }),
    expect.objectContaining({ msg: 'topic demoted', topic, reason: 'cooled' }),
    expect.objectContaining({ msg: 'hot stream retired', topic }),
  ])
  expect(await ovation.redis.exists(ovation.keys.of(topic).hot(topic))).toBe(0)
})

test('reads that every API process reports make a topic hot too', async () => {
  const second = await nowSecond()
  for (const at of [second, second + 1, second + 2]) await report(at, { [topic]: 3_000, 'song:b': 1_500 })
  const { said } = start()
  await until(async () => (await hotspotOf(topic)) !== undefined)
  expect(await hotspots()).toMatchObject([{ topic, by: 'reads', rate: expect.any(Number) as number }])
  expect(said).toMatchObject([{ msg: 'topic promoted', by: 'reads' }])
})

test('a person demotes between the look of the controller and its promotion: it takes that back', async () => {
  const { redis, keys } = ovation
  await commandsOn(ovation.append).post(topic, 'ann')
  await promote(redis, keys, topic, { by: 'reads', untilMs: null, rate: 9_000 })
  const second = await nowSecond()
  for (let ahead = -2; ahead < 30; ahead++) await report(second + ahead, { [topic]: 9_000 })
  await demoteByHand(redis, keys, topic, 60_000)
  await promote(redis, keys, topic, { by: 'reads', untilMs: null, rate: 9_000 }) // decided before
  const { said } = start()
  await until(async () => said.length === 2)
  expect(said).toMatchObject([{ msg: 'topic demoted', reason: 'held' }, { msg: 'hot stream retired' }])
})

describe('one of many acts', () => {
  test('and another begins when it is gone', async () => {
    const one = start()
    await until(async () => (await ovation.redis.exists(ovation.keys.hotspots.controller)) === 1)
    const two = start()
    await report(await nowSecond(), { 'song:a': 9_000 })
    await until(async () => (await hotspotOf('song:a')) !== undefined)
    await until(async () => one.messages().length === 1)
    expect(two.messages()).toEqual([])
    one.connection.disconnect() // as if it had been killed: the lease is not given back
    const second = await nowSecond()
    for (let ahead = 0; ahead < 8; ahead++) await report(second + ahead, { 'song:b': 9_000 })
    await until(async () => (await hotspotOf('song:b')) !== undefined)
    await until(async () => two.messages().includes('topic promoted'))
  })

  test('one that was held up between looking and acting does nothing: another may act by then', async () => {
    const { redis, keys } = ovation
    await commandsOn(ovation.append).post(topic, 'ann')
    await promote(redis, keys, topic)
    await demote(redis, keys, topic) // never written to: to be retired
    const second = await nowSecond()
    for (let ahead = 0; ahead < 5; ahead++) await report(second + ahead, { 'song:b': 9_000 })
    let release = () => {}
    const held = new Promise<void>((resolve) => (release = resolve))
    const other = createLease(redis, keys.hotspots.controller, 60_000)
    let looks = 0
    const { stop, said } = start({}, (connection) => {
      const zrevrange = connection.zrevrange.bind(connection) as (...args: unknown[]) => Promise<string[]>
      const late = async (...args: unknown[]) => {
        const reply = await zrevrange(...args)
        looks += 1
        await held
        return reply
      }
      return Object.assign(connection, { zrevrange: late })
    })
    await until(async () => looks > 0)
    await until(async () => other.hold())
    const before = await hotspots()
    expect(before).toMatchObject([{ topic, state: 'draining' }])
    release()
    await stop() // its round ends first
    expect(await hotspots()).toEqual(before)
    expect(said).toEqual([])
  })

  test('when a topic was last warm is handed on: the next one does not demote it sooner', async () => {
    const { redis, keys } = ovation
    const { warm } = keys.hotspots
    await promote(redis, keys, topic, { by: 'writes', untilMs: null, rate: 200 })
    const second = await nowSecond()
    for (const at of [second - 1, second, second + 1]) await report(at, { [topic]: 600 })
    const one = start({ coolDownMs: 1_500 })
    await until(async () => (await redis.zscore(warm, topic)) !== null)
    await one.stop()

    await promote(redis, keys, 'song:b', { by: 'writes', untilMs: null, rate: 200 })
    await until(async () => (await serverMs(redis)) > (await hotspotOf('song:b'))!.sinceMs + 1_500)
    const warmMs = await serverMs(redis)
    await redis.zadd(warm, warmMs, 'song:b')
    const two = start({ coolDownMs: 1_500 })
    await until(async () => two.said.some(({ msg, topic }) => msg === 'topic demoted' && topic === 'song:b'))
    expect(await serverMs(redis)).toBeGreaterThanOrEqual(warmMs + 1_500)
  })
})

test('a person promotes for a time, which a rate does not shorten or lengthen', async () => {
  const untilMs = Date.now() + 2_000
  await promote(ovation.redis, ovation.keys, topic, { by: 'operator', untilMs, rate: null })
  expect(await promote(ovation.redis, ovation.keys, topic, { by: 'writes', untilMs: null, rate: 500 })).toBe(false)
  expect(await demote(ovation.redis, ovation.keys, topic, 'rate')).toBe(false)
  const { said } = start({ coolDownMs: 0 })
  await until(async () => (await hotspotOf(topic))?.state !== 'hot')
  expect(Date.now()).toBeGreaterThanOrEqual(untilMs)
  expect(said[0]).toMatchObject({ msg: 'topic demoted', reason: 'expired' })
})

describe('while Redis is full', () => {
  let server: PrivateRedis
  beforeEach(async () => {
    await ovation.close()
    server = await startPrivateRedis()
    ovation = createDeployment({ redisUrl: server.url })
  })
  afterEach(async () => {
    await stopAll()
    await ovation.close()
    await server.stop()
    ovation = createDeployment()
  })
  const fill = () => ovation.redis.config('SET', 'maxmemory', '1')
  const makeRoom = () => ovation.redis.config('SET', 'maxmemory', '0')

  test('one begins to act, demotes and retires, which frees memory; promotions wait for room', async () => {
    await commandsOn(ovation.append).post('song:quiet', 'ann')
    await promote(ovation.redis, ovation.keys, topic, { by: 'writes', untilMs: null, rate: 200 })
    await flood(30)
    const second = await nowSecond()
    await ovation.consume()
    await ovation.caughtUp()
    for (let ahead = 0; ahead < 30; ahead++) await report(second + ahead, { 'song:b': 9_000 })
    await fill()
    await expect(ovation.redis.set('x', 1)).rejects.toThrow('OOM')
    const { messages } = start()
    await until(async () => (await ovation.redis.exists(ovation.keys.of(topic).hot(topic))) === 0)
    expect(await hotspots()).toEqual([])
    expect(messages()).toEqual(['hotspots are not controlled, repeating', 'topic demoted', 'hot stream retired'])
    await makeRoom()
    await until(async () => (await hotspotOf('song:b')) !== undefined)
  })
})
