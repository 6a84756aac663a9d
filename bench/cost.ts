import { setTimeout as delay } from 'node:timers/promises'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { fieldsOf } from '../src/events/append.ts'
import { groupNames } from '../src/events/groups.ts'
import { decodeEntry } from '../src/events/recorded.ts'
import { collectionsOf, ensureIndexes } from '../src/mongo/collections.ts'
import { documentOf } from '../src/projections/archive.ts'
import { createdComment, snapshotOf } from '../src/projections/comments.ts'
import { connectRedis } from '../src/redis/connect.ts'
import { createKeys } from '../src/redis/keys.ts'
import { postRequest } from './accept.ts'
import { fillLog } from './events.ts'
import { type Bench, type Row, type Child, cpuUs, load, median, peakMb, spawnProcess } from './harness.ts'
import { apiEnv, placeOf } from './system.ts'

const partitions = 8
const quiet = pino({ level: 'silent' })
type Parts = { api: number; redis: number; consumers: number; mongod: number }
const total = ({ api, redis, consumers, mongod }: Parts) => api + redis + consumers + mongod

/**
 * Whole system, CPU µs of a comment over API, Redis, all consumers and mongod until everything has caught up, over the sum of the floors: a bare
 * POST, an EVALSHA that writes one entry, reading, parsing and acknowledging it once a group, two inserts.
 */
export async function costOfAComment(bench: Bench): Promise<Row[]> {
  const place = placeOf(bench, 'cost')
  const api = await spawnProcess('api', apiEnv(place))
  const consumers = await spawnProcess('consumers', place)
  try {
    await comments(bench, api, consumers, { seconds: 3 })
    const saturated: Parts[] = []
    const steady: Parts[] = []
    const measured: Parts[] = []
    for (let run = 0; run < 5; run++) {
      measured.push(await floors(bench))
      saturated.push(await comments(bench, api, consumers, { seconds: 4 }))
      steady.push(await comments(bench, api, consumers, { seconds: 4, rate: 1_000 }))
    }
    const floor = medianOf(measured)
    const memory = `peak: API ${Math.round(peakMb(api.pid))} MB, consumers ${Math.round(peakMb(consumers.pid))} MB; ${await memoryPerMillion(bench)}`
    return [
      row('cost of a comment, saturated', saturated, floor, memory),
      row('cost of a comment, 1,000/s', steady, floor, floorNote(floor)),
    ]
  } finally {
    await Promise.all([api.stop(), consumers.stop()])
  }
}

const medianOf = (runs: readonly Parts[]): Parts =>
  Object.fromEntries(
    (['api', 'redis', 'consumers', 'mongod'] as const).map((name) => [name, median(runs.map((run) => run[name]))]),
  ) as Parts

function row(question: string, runs: readonly Parts[], floor: Parts, note: string): Row {
  const ratio = median(runs.map(total)) / total(floor)
  const spread = `${(Math.min(...runs.map(total)) / total(floor)).toFixed(2)}–${(Math.max(...runs.map(total)) / total(floor)).toFixed(2)}`
  const part = (name: keyof Parts) => Math.round(median(runs.map((run) => run[name])))
  const parts = `API ${part('api')} + Redis ${part('redis')} + consumers ${part('consumers')} + mongod ${part('mongod')}`
  return {
    question,
    ours: `${Math.round(median(runs.map(total)))} µs`,
    floor: `${Math.round(total(floor))} µs`,
    ratio: `${ratio.toFixed(2)} (${spread})`,
    target: '≤ 2.00',
    verdict: ratio <= 2 ? 'ok' : 'ABOVE',
    note: `${parts}; ${note}`,
  }
}
const floorNote = (floor: Parts) =>
  `floor: POST and append ${Math.round(floor.api)}, Redis ${Math.round(floor.redis)}, read ${Math.round(floor.consumers)}, mongod ${Math.round(floor.mongod)}`

async function comments(bench: Bench, api: Child, consumers: Child, { seconds, rate }: { seconds: number; rate?: number }): Promise<Parts> {
  const pids = { api: api.pid, redis: bench.pids.redis, consumers: consumers.pid, mongod: bench.pids.mongod }
  const names = Object.keys(pids) as (keyof Parts)[]
  const before = names.map((name) => cpuUs(pids[name]))
  const { requests } = await load(`${api.line}/v1/topics/song:cost/comments`, await postRequest(), { seconds, ...(rate ? { rate } : {}) })
  await caughtUp(bench)
  return Object.fromEntries(names.map((name, i) => [name, (cpuUs(pids[name]) - before[i]!) / requests])) as Parts
}

async function caughtUp({ redisUrl }: Bench): Promise<void> {
  const redis = connectRedis(redisUrl, 'consumer', quiet)
  const stream = createKeys('cost:', partitions).of('song:cost').lane('global')
  const isBehind = async () => {
    const [last] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1)
    const groups = (await redis.xinfo('GROUPS', stream)) as (string | number)[][]
    return groups.some((group) => group[group.indexOf('pending') + 1] !== 0 || group[group.indexOf('last-delivered-id') + 1] !== last?.[0])
  }
  while (await isBehind()) await delay(20)
  redis.disconnect()
}

/** Memory Redis took for the comments of this run, models included. */
async function memoryPerMillion({ redisUrl }: Bench): Promise<string> {
  const redis = connectRedis(redisUrl, 'consumer', quiet)
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))![1])
  const count = await redis.xlen(createKeys('cost:', partitions).of('song:cost').lane('global'))
  redis.disconnect()
  return `Redis ${Math.round(((used / count) * 1_000_000) / 2 ** 20)} MB a million events`
}

async function floors(bench: Bench): Promise<Parts> {
  const bare = await spawnProcess('bare-post', {})
  const request = await postRequest()
  await load(`${bare.line}/v1/topics/song:cost/comments`, request, { seconds: 2 })
  const before = cpuUs(bare.pid)
  const { requests } = await load(`${bare.line}/v1/topics/song:cost/comments`, request, { seconds: 4 })
  const bareUs = (cpuUs(bare.pid) - before) / requests
  await bare.stop()
  const append = await appendFloor(bench)
  const read = await readFloor(bench)
  const insert = await insertFloor(bench)
  return {
    api: bareUs + append.client,
    redis: append.redis + read.redis * groupNames.length,
    consumers: read.client * groupNames.length + insert.client,
    mongod: insert.mongod,
  }
}

/** What this process and a server used, µs each of `count` times. */
async function costs(serverPid: number, count: number, work: () => Promise<unknown>): Promise<{ client: number; server: number }> {
  const [client, server] = [cpuUs(process.pid), cpuUs(serverPid)]
  await work()
  return { client: (cpuUs(process.pid) - client) / count, server: (cpuUs(serverPid) - server) / count }
}

async function appendFloor({ redisUrl, pids }: Bench) {
  const redis = connectRedis(redisUrl, 'request', quiet)
  const sha = (await redis.script('LOAD', `return redis.call('XADD', KEYS[1], '*', 'data', ARGV[1])`)) as string
  const { body } = await postRequest()
  const count = 40_000
  const one = async (times: number) => {
    for (let i = 0; i < times; i++) await redis.evalsha(sha, 1, 'floor:append', body)
  }
  const { client, server } = await costs(pids.redis, count, () => Promise.all(Array.from({ length: 64 }, () => one(count / 64))))
  await redis.unlink('floor:append')
  redis.disconnect()
  return { client, redis: server }
}

async function readFloor({ redisUrl, pids }: Bench) {
  const redis = connectRedis(redisUrl, 'consumer', quiet)
  const keys = createKeys('floor:', partitions)
  const count = 40_000
  await fillLog(redis, keys, { kind: 'posts', count, topics: 1 })
  const stream = keys.of('song:bench-0').lane('global')
  const { client, server } = await costs(pids.redis, count, async () => {
    for (let read = 0; read < count;) {
      const reply = (await redis.xreadgroup('GROUP', 'store', 'bare', 'COUNT', 200, 'STREAMS', stream, '>')) as
        | [string, [string, string[]][]][]
        | null
      const entries = reply?.[0]?.[1] ?? []
      for (const [, flat] of entries) JSON.parse(fieldsOf(flat)['data']!)
      await redis.xack(stream, 'store', ...entries.map(([id]) => id))
      read += entries.length
    }
  })
  redis.disconnect()
  return { client, redis: server }
}

async function insertFloor({ redisUrl, mongodbUrl, pids }: Bench) {
  const redis = connectRedis(redisUrl, 'consumer', quiet)
  const partition = createKeys('floor:', partitions).of('song:bench-0')
  const documents = (await redis.xrange(partition.lane('global'), '-', '+', 'COUNT', 20_000)).map(([entryId, flat]) => {
    const entry = { lane: 'global', entryId, fields: fieldsOf(flat) }
    const event = decodeEntry(entry)
    if (event.type !== 'comment.posted') throw new Error('only posts here')
    return { event: documentOf(partition.partition, { entry, event }), comment: createdComment(event.topic, snapshotOf(event)) }
  })
  const client = new MongoClient(mongodbUrl.replace('/?', '/floor?'), {
    retryWrites: false,
    writeConcern: { w: 'majority', journal: true },
  })
  const collections = collectionsOf(client.db())
  await ensureIndexes(collections)
  const used = await costs(pids.mongod, documents.length, async () => {
    for (let start = 0; start < documents.length; start += 1_000) {
      const batch = documents.slice(start, start + 1_000)
      await collections.events.insertMany(
        batch.map(({ event }) => event),
        { ordered: false },
      )
      await collections.comments.insertMany(
        batch.map(({ comment }) => comment),
        { ordered: false },
      )
    }
  })
  await client.db().dropDatabase()
  await client.close()
  for await (const names of redis.scanStream({ match: 'floor:*', count: 1_000 })) {
    if ((names as string[]).length > 0) await redis.del(...(names as string[]))
  }
  redis.disconnect()
  return { client: used.client, mongod: used.server }
}
