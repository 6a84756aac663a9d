import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { startConsumers } from '../src/consumers/start-consumers.ts'
import { fieldsOf } from '../src/events/append.ts'
import type { GroupName } from '../src/events/groups.ts'
import { decodeEntry } from '../src/events/recorded.ts'
import { collectionsOf, ensureIndexes } from '../src/mongo/collections.ts'
import { documentOf } from '../src/projections/archive.ts'
import { createdComment, snapshotOf } from '../src/projections/comments.ts'
import { connectRedis } from '../src/redis/connect.ts'
import { createKeys } from '../src/redis/keys.ts'
import { type Fill, fillLog } from './events.ts'
import { type Bench, type Row, cpuUs, pairs, rowAtLeast } from './harness.ts'

const quiet = pino({ level: 'silent' })
const partitions = 8
let runs = 0

/** Project comments and their archive into MongoDB, over raw inserts of the same documents into collections with the same indexes. */
export async function projectStore(bench: Bench): Promise<Row[]> {
  const count = 20_000
  let mongodUs = 0
  const ours = () => consumed(bench, { kind: 'posts', count, topics: 200 }, ['store'], (used) => (mongodUs = used / count))
  const result = await pairs(5, ours, () => rawInserts(bench, count, 1))
  const beside = await pairs(3, ours, () => rawInserts(bench, count, 3))
  return [
    rowAtLeast('project comments + archive', result, 0.75, `mongod ${Math.round(mongodUs)} µs an event`),
    { ...rowAtLeast('… over 3 inserts at once', beside, 0, 'reading and decoding come on top, in one thread'), target: '', verdict: '' },
  ]
}

/** Project counts and likes, over reading, parsing and acknowledging the same stream. */
export async function projectNumbers(bench: Bench): Promise<Row[]> {
  const rows: Row[] = []
  for (const [group, kind] of [
    ['counts', 'posts'],
    ['likes', 'likes'],
  ] as const) {
    const fill: Fill = { kind, count: 40_000, topics: 200 }
    const result = await pairs(
      5,
      () => consumed(bench, fill, [group]),
      () => bareReads(bench, fill, group),
    )
    rows.push(rowAtLeast(`project ${group}`, result, 0.6, ''))
  }
  return rows
}

function place({ redisUrl, mongodbUrl }: Bench) {
  const name = `project-${(runs += 1)}`
  return {
    keys: createKeys(`${name}:`, partitions),
    redis: connectRedis(redisUrl, 'consumer', quiet),
    redisUrl,
    mongodbUrl: mongodbUrl.replace('/?', `/${name}?`),
  }
}

/** Events a second of the consumer runtime, from its first effects (connections and indexes are made by then) to the last acknowledgement. */
async function consumed(bench: Bench, fill: Fill, groups: readonly GroupName[], onMongodCpu?: (us: number) => void): Promise<number> {
  const { keys, redis, redisUrl, mongodbUrl } = place(bench)
  await fillLog(redis, keys, fill)
  const cpuBefore = cpuUs(bench.pids.mongod)
  const consumers = await startConsumers({
    redisUrl,
    mongodbUrl,
    keys,
    name: 'bench',
    groups,
    lanes: ['global'],
    idempotencyWindowMs: 3_600_000,
    log: quiet,
  })
  const applied = () => consumers.stats().reduce((sum, { stats }) => sum + stats.applied, 0)
  while (applied() === 0) await delay(1)
  const [startedMs, before] = [performance.now(), applied()]
  while (applied() < fill.count) await delay(1)
  const tookMs = performance.now() - startedMs
  onMongodCpu?.(cpuUs(bench.pids.mongod) - cpuBefore)
  await consumers.stop()
  await clean(redis, keys.prefix)
  await dropDatabase(mongodbUrl)
  return (fill.count - before) / (tookMs / 1_000)
}

/** Inserts of 1,000 documents, `atOnce` of them in flight. */
async function rawInserts(bench: Bench, count: number, atOnce: number): Promise<number> {
  const { keys, redis, mongodbUrl } = place(bench)
  await fillLog(redis, keys, { kind: 'posts', count, topics: 200 })
  const documents = await Promise.all(
    keys.partitions.map(async (partition) => {
      const entries = await redis.xrange(partition.lane('global'), '-', '+')
      return entries.map(([entryId, flat]) => {
        const entry = { lane: 'global', entryId, fields: fieldsOf(flat) }
        const event = decodeEntry(entry)
        if (event.type !== 'comment.posted') throw new Error('only posts here')
        return { event: documentOf(partition.partition, { entry, event }), comment: createdComment(event.topic, snapshotOf(event)) }
      })
    }),
  )
  const all = documents.flat()
  const client = new MongoClient(mongodbUrl, { retryWrites: false, writeConcern: { w: 'majority', journal: true } })
  const { events, comments, ...others } = collectionsOf(client.db())
  await ensureIndexes({ events, comments, ...others })
  const startedMs = performance.now()
  const starts = Array.from({ length: Math.ceil(all.length / 1_000) }, (_, i) => i * 1_000)
  const insert = async () => {
    for (let start = starts.shift(); start !== undefined; start = starts.shift()) {
      const batch = all.slice(start, start + 1_000)
      await events.insertMany(
        batch.map(({ event }) => event),
        { ordered: false },
      )
      await comments.insertMany(
        batch.map(({ comment }) => comment),
        { ordered: false },
      )
    }
  }
  await Promise.all(Array.from({ length: atOnce }, insert))
  const tookMs = performance.now() - startedMs
  await client.close()
  await clean(redis, keys.prefix)
  await dropDatabase(mongodbUrl)
  return count / (tookMs / 1_000)
}

async function bareReads(bench: Bench, fill: Fill, group: string): Promise<number> {
  const { keys, redis } = place(bench)
  await fillLog(redis, keys, fill)
  const names = keys.partitions.map((partition) => partition.lane('global'))
  const startedMs = performance.now()
  for (let read = 0; read < fill.count;) {
    const reply = (await redis.xreadgroup('GROUP', group, 'bare', 'COUNT', 200, 'STREAMS', ...names, ...names.map(() => '>'))) as
      | [string, [string, string[]][]][]
      | null
    for (const [stream, entries] of reply ?? []) {
      for (const [, flat] of entries) JSON.parse(fieldsOf(flat)['data']!)
      await redis.xack(stream, group, ...entries.map(([id]) => id))
      read += entries.length
    }
  }
  const tookMs = performance.now() - startedMs
  await clean(redis, keys.prefix)
  return fill.count / (tookMs / 1_000)
}

async function clean(redis: Redis, prefix: string): Promise<void> {
  for await (const names of redis.scanStream({ match: `${prefix}*`, count: 1_000 }))
    if ((names as string[]).length > 0) await redis.unlink(...(names as string[]))
  redis.disconnect()
}

async function dropDatabase(url: string): Promise<void> {
  const client = new MongoClient(url)
  await client.db().dropDatabase()
  await client.close()
}
