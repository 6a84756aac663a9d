import type { Redis } from 'ioredis'
import pino from 'pino'
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest'
import { type AppendToLog, createAppend } from '../events/append.ts'
import { demote, promote } from '../events/hotspots.ts'
import { reconcile } from '../events/reconcile.ts'
import { collectionsOf, ensureIndexes } from '../mongo/collections.ts'
import { type MongoConnection, connectMongo } from '../mongo/connect.ts'
import { connectRedis } from '../redis/connect.ts'
import { type Keys, createKeys } from '../redis/keys.ts'
import { readLag } from './lag.ts'

const log = pino({ level: 'silent' })
const topic = 'song:lag'
let redis: Redis
let mongo: MongoConnection
let keys: Keys
let append: AppendToLog
let run = 0

beforeAll(async () => {
  redis = connectRedis(inject('redisUrl'), 'request', log)
  mongo = connectMongo(inject('mongodbUrl'), { poolSize: 2, purpose: 'write', database: 'lag-test' })
  await ensureIndexes(collectionsOf(mongo.db))
})
afterAll(async () => {
  await mongo.db.dropDatabase()
  await mongo.close()
  redis.disconnect()
})
beforeEach(() => {
  keys = createKeys(`lag-test-${process.pid}-${run++}:`, 2)
  const dependencies = {
    redis,
    settings: undefined as never,
    events: mongo.db.collection(`events-${run}`) as never,
    idempotencyWindowMs: 60_000,
    log,
  }
  append = createAppend({
    ...dependencies,
    keys,
    reopen: (partition, term) => reconcile(dependencies, partition, term),
    findCold: async () => undefined,
  })
})

const post = async (times: number) => {
  for (let i = 0; i < times; i++) await append({ type: 'user.unbanned', topic, actor: 'u', correlationId: 'c', facts: { userId: 'u' } })
}
const stream = () => keys.of(topic).lane('global')
const deliver = (group: string, count: number) =>
  redis.xreadgroup('GROUP', group, 'c1', 'COUNT', count, 'STREAMS', stream(), '>') as Promise<[string, [string, string[]][]][]>
const lagOf = async (group: string, lane = 'global') => (await readLag(redis, keys)).find((row) => row.group === group && row.lane === lane)

test('before the first event every lag is 0, and the groups are those that will be', async () => {
  const rows = await readLag(redis, keys)
  expect(rows).toHaveLength(12)
  for (const row of rows)
    expect(row).toMatchObject({ head: 0, position: 0, lagEvents: 0, lagMs: 0, pending: 0, oldestPendingMs: null, consumers: 0 })
})

test('lag counts what was not delivered, pending what was delivered and not acknowledged', async () => {
  await post(5)
  expect(await lagOf('store')).toMatchObject({
    streams: 2,
    head: 5,
    position: 0,
    lagEvents: 5,
    pending: 0,
    consumers: 0,
    status: 'stalled',
  })
  const [[, entries]] = (await deliver('store', 3)) as [[string, [string, string[]][]]]
  const behind = await lagOf('store')
  expect(behind).toMatchObject({ head: 5, position: 3, lagEvents: 2, pending: 3, consumers: 1, status: 'catching up' })
  expect(behind!.lagMs).toBeGreaterThanOrEqual(0)
  expect(behind!.lagMs).toBeLessThan(10_000)
  expect(behind!.oldestPendingMs).toBeGreaterThanOrEqual(behind!.lagMs!)
  await deliver('store', 3)
  expect(await lagOf('store')).toMatchObject({ lagEvents: 0, lagMs: 0, pending: 5, status: 'catching up' })
  await redis.xack(stream(), 'store', ...entries.map(([id]) => id))
  expect(await lagOf('store')).toMatchObject({ pending: 2 })
  expect(await lagOf('counts')).toMatchObject({ lagEvents: 5, pending: 0 })
})

test('the time of a lag is that of the entry, not of its id', async () => {
  await post(1)
  const [[, flat]] = (await redis.xrange(stream(), '-', '+')) as [[string, string[]]]
  const fields = Object.fromEntries(flat.flatMap((value, i) => (i % 2 === 0 ? [[value, flat[i + 1]!]] : [])))
  await redis.xadd(stream(), '*', ...Object.entries({ ...fields, seq: '2', at: String(Date.now() - 60_000) }).flat())
  await redis.hset(keys.of(topic).meta, 'seq:global', 2)
  await deliver('likes', 1)
  expect((await lagOf('likes'))!.lagMs).toBeGreaterThanOrEqual(60_000)
})

test('a trim below what the group had leaves the lag known', async () => {
  await post(4)
  await deliver('feed', 2)
  await redis.xtrim(stream(), 'MAXLEN', 2)
  expect(await lagOf('feed')).toMatchObject({ position: 2, lagEvents: 2 })
  await deliver('feed', 2)
  await redis.xtrim(stream(), 'MAXLEN', 0)
  expect(await lagOf('feed')).toMatchObject({ head: 4, position: 4, lagEvents: 0 })
})

test('entries trimmed before a group had them are LOST, not a lag of 0', async () => {
  await post(4)
  await deliver('feed', 1)
  await redis.xtrim(stream(), 'MAXLEN', 2)
  expect(await lagOf('feed')).toMatchObject({ lagEvents: null, lagMs: null, status: 'LOST' })
  expect(await lagOf('counts')).toMatchObject({ lagEvents: null, status: 'LOST' })
  await redis.xtrim(stream(), 'MAXLEN', 0)
  expect(await lagOf('store')).toMatchObject({ lagEvents: null, status: 'LOST' })
})

test('a group that is gone is MISSING, one set back is behind again', async () => {
  await post(3)
  await deliver('counts', 3)
  await redis.xgroup('SETID', stream(), 'counts', '0')
  expect(await lagOf('counts')).toMatchObject({ position: 0, lagEvents: 3 })
  await redis.xgroup('DESTROY', stream(), 'counts')
  expect(await lagOf('counts')).toMatchObject({ position: null, lagEvents: null, status: 'MISSING' })
})

test('an entry that is not ours makes the lag UNKNOWN', async () => {
  await post(1)
  await redis.xadd(stream(), '*', 'hello', 'world')
  await deliver('store', 2)
  await post(1)
  expect(await lagOf('store')).toMatchObject({ lagEvents: null, status: 'UNKNOWN' })
})

test('hot streams are counted while they drain', async () => {
  await post(1)
  await promote(redis, keys, topic)
  await post(2)
  await demote(redis, keys, topic)
  expect(await lagOf('store', 'hot')).toMatchObject({ streams: 1, head: 2, position: 0, lagEvents: 2 })
  expect(await lagOf('store', 'global')).toMatchObject({ head: 1, lagEvents: 1 })
})
