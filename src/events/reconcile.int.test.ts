import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn, commentOf } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { startLane } from '../../test/lane.ts'
import { type PrivateRedis, startPrivateRedis } from '../../test/private-redis.ts'
import {
  consumeAll,
  idempotencyWindowMs,
  populate,
  readModels,
  reconcileOf,
  stallingAfter,
  termOf,
  writtenAgain,
} from '../../test/reconciling.ts'
import { watchPartitions } from '../consumers/watch-partitions.ts'
import { collectionsOf } from '../mongo/collections.ts'
import { connectMongo } from '../mongo/connect.ts'
import { createStore } from '../projections/store.ts'
import type { PartitionKeys } from '../redis/keys.ts'
import { groupNames } from './groups.ts'
import { bucketsAt, fieldOf } from './idempotency.ts'
import { commentIdAt, msOf, positionOfEntry } from './position.ts'
import { reconcile } from './reconcile.ts'

let server: PrivateRedis
let ovation: Deployment
beforeAll(async () => {
  server = await startPrivateRedis()
})
afterAll(() => server.stop())
const withItsOwnDeployment = () => {
  beforeEach(() => {
    ovation = createDeployment({ redisUrl: server.url })
  })
  afterEach(() => ovation.close())
}

describe('a server that forgot the script', () => {
  withItsOwnDeployment()

  test('after SCRIPT FLUSH the next append opens the next term and is taken', async () => {
    await populate(ovation)
    const before = await readModels(ovation)
    const partition = ovation.keys.of('song:a')
    const term = await termOf(ovation, partition)
    await ovation.redis.script('FLUSH')
    const { posted } = commandsOn(ovation.append)
    await posted('song:new', 'ann')
    await posted('song:a', 'ann')
    expect(await termOf(ovation, partition)).toBe(term + 1)
    expect(await writtenAgain(ovation)).toEqual([])
    await consumeAll(ovation)
    expect((await readModels(ovation)).redis).toMatchObject({ 'count:song:b': before.redis['count:song:b'] as object })
  })

  test('killed and started again, it takes appends, and nothing is written again', async () => {
    await populate(ovation)
    const before = await readModels(ovation)
    const pid = server.pid()!
    process.kill(pid, 'SIGKILL')
    await until(async () => server.pid() !== undefined && server.pid() !== pid)
    const { posted, post } = commandsOn(ovation.append)
    await until(async () => (await posted('song:after', 'ann', { key: 'k' })) !== '')
    expect(await post('song:after', 'ann', { key: 'k' })).toMatchObject({ kind: 'repeated', event: { term: 2 } })
    await consumeAll(ovation)
    expect(await writtenAgain(ovation)).toEqual([])
    const after = await readModels(ovation)
    expect(after.mongo.events.length).toBe(before.mongo.events.length + 1)
    for (const [name, model] of Object.entries(before.redis)) if (name !== 'topics') expect(after.redis[name]).toEqual(model)
  })
})

describe('a server that was emptied', () => {
  let before: Awaited<ReturnType<typeof readModels>>
  let first: string
  beforeAll(async () => {
    ovation = createDeployment({ redisUrl: server.url })
    const { posted } = commandsOn(ovation.append)
    first = await posted('song:a', 'ann', { key: 'once' })
    await populate(ovation)
    before = await readModels(ovation)
  })
  afterAll(() => ovation.close())
  beforeEach(() => ovation.redis.flushall())

  test('gets everything that the archive holds, with its origin, and groups; consumers then make the same read models', async () => {
    for (const partition of ovation.keys.partitions) expect(await reconcile(reconcileOf(ovation), partition)).toBe(2)
    const origins = (await writtenAgain(ovation)).map(({ origin }) => origin)
    const expected = before.mongo.events.map(({ _id, lane, term, seq }) => `${lane}/${term}/${seq}/${_id.split('/')[1]}`)
    expect(new Set(origins)).toEqual(new Set(expected))
    expect(origins).toHaveLength(expected.length)
    for (const partition of ovation.keys.partitions) {
      expect((await ovation.redis.smembers(partition.groups)).toSorted()).toEqual([...groupNames].toSorted())
      expect(await ovation.redis.xinfo('GROUPS', partition.lane('global'))).toHaveLength(groupNames.length)
    }
    const [rewritten] = await writtenAgain(ovation)
    const noComment = commentIdAt(positionOfEntry(rewritten!['entryId']!)) // where a comment was written again is not where it was made
    await expect(commandsOn(ovation.append).like(rewritten!['topic']!, 'ann', noComment)).rejects.toMatchObject({ code: 'not-found' })
    const again = await commandsOn(ovation.append).post('song:a', 'ann', { key: 'once' })
    expect(again).toMatchObject({ kind: 'repeated' })
    expect(commentOf(again)).toBe(first)
    await consumeAll(ovation)
    expect(await readModels(ovation)).toEqual(before)
  })

  test('a second reconcile writes nothing again, before the consumers ran and after', async () => {
    const again = async () => {
      for (const partition of ovation.keys.partitions) {
        const term = await termOf(ovation, partition)
        const next = await reconcile(reconcileOf(ovation), partition, term)
        if (term) expect(next).toBe(term + 1)
      }
      expect(await writtenAgain(ovation)).toHaveLength(before.mongo.events.length)
    }
    await again()
    await again()
    await consumeAll(ovation)
    await again()
    await consumeAll(ovation)
    expect(await readModels(ovation)).toEqual(before)
  })

  test('emptied a second time, it gets everything once more', async () => {
    await consumeAll(ovation)
    await ovation.redis.flushall()
    await consumeAll(ovation)
    expect(await writtenAgain(ovation)).toHaveLength(before.mongo.events.length)
    expect(await readModels(ovation)).toEqual(before)
  })

  test('many processes reconcile at once: one term, nothing doubled', async () => {
    const partition = ovation.keys.of('song:a')
    const terms = await Promise.all(Array.from({ length: 5 }, () => reconcile(reconcileOf(ovation), partition)))
    expect([...new Set(terms)]).toEqual([await termOf(ovation, partition)])
    await consumeAll(ovation)
    expect(await writtenAgain(ovation)).toHaveLength(before.mongo.events.length)
    expect(await readModels(ovation)).toEqual(before)
  })

  test.each([0, 5, 1_000])(
    'the process that reconciles stalls after %i events: another finishes, and the first does no harm when it comes back',
    async (events) => {
      const partition = ovation.keys.of('song:a')
      const { redis, stalled, wake } = stallingAfter(events, ovation.redis)
      const first = reconcile({ ...reconcileOf(ovation), redis }, partition)
      const outcome = first.then(
        (term) => `opened ${term}`,
        (error: Error) => error.message,
      )
      await stalled
      await ovation.redis.pexpire(partition.lease, 1) // what 10 s without renewal do
      const term = await reconcile(reconcileOf(ovation), partition)
      wake()
      expect(await outcome).toContain('LEASE lost')
      expect(await termOf(ovation, partition)).toBe(term)
      await consumeAll(ovation)
      expect(await writtenAgain(ovation)).toHaveLength(before.mongo.events.length)
      expect(await readModels(ovation)).toEqual(before)
    },
  )
})

describe('MongoDB away at the same time', () => {
  withItsOwnDeployment()

  test('it opens with a raised clock and is reconciled when MongoDB is back', async () => {
    for (const partition of ovation.keys.partitions) {
      for (const term of [1, 2, 3, 4, 5]) expect(await reconcile(reconcileOf(ovation), partition, term - 1)).toBe(term)
    }
    await populate(ovation)
    const before = await readModels(ovation)
    await ovation.redis.flushall()
    const away = connectMongo('mongodb://127.0.0.1:1/?directConnection=true', { poolSize: 1, purpose: 'read' })
    const openBlindly = (partition: PartitionKeys, failedTerm?: number) =>
      reconcile({ ...reconcileOf(ovation), events: collectionsOf(away.db).events }, partition, failedTerm)
    for (const partition of ovation.keys.partitions) await openBlindly(partition)
    expect(await writtenAgain(ovation)).toEqual([])
    const { post, like } = commandsOn(ovation.append)
    const posted = await post('song:while', 'ann')
    const again = before.mongo.comments.find(({ topic, rootId }) => topic === 'song:a' && rootId === null)!
    await like('song:a', 'dan', again.commentId)
    expect('event' in posted && msOf(posted.event.position)).toBeGreaterThan(Date.now() + 50_000)

    // Archived in one term, opened blindly once more: these events are in the range to compare, and in their streams.
    const archiving = startLane(ovation, createStore(ovation.collections))
    await until(async () => archiving.stats.applied === 2)
    await archiving.stop()
    for (const partition of ovation.keys.partitions) await openBlindly(partition, await termOf(ovation, partition))
    await away.close()

    await consumeAll(ovation)
    await until(async () => (await writtenAgain(ovation)).length === before.mongo.events.length)
    await consumeAll(ovation)
    for (const { meta } of ovation.keys.partitions) expect(await ovation.redis.hmget(meta, 'lostFrom', 'lostTo')).toEqual([null, null])
    expect(await writtenAgain(ovation)).toHaveLength(before.mongo.events.length)
    const after = await readModels(ovation)
    expect(after.mongo.events.filter(({ topic, actor }) => topic !== 'song:while' && actor !== 'dan')).toEqual(before.mongo.events)
    expect(after.redis).toMatchObject({
      'count:song:while': { total: '1', roots: '1' },
      'count:song:a': before.redis['count:song:a'] as object,
      'likes:song:a': { [again.position!]: '3' },
    })
    expect(after.mongo.comments.find(({ _id }) => _id === again._id)).toEqual({ ...again, likes: 3 })
  })
})

describe('small things', () => {
  withItsOwnDeployment()

  test('a record written again does not shorten the life of the records in its bucket', async () => {
    const { post } = commandsOn(ovation.append)
    await post('song:a', 'ann', { key: 'old' })
    await consumeAll(ovation)
    await ovation.collections.events.updateMany({}, { $set: { at: new Date(Date.now() - idempotencyWindowMs * 1.5 + 60_000) } })
    await ovation.redis.flushall()
    const partition = ovation.keys.of('song:a')
    await reconcile(reconcileOf(ovation), partition)
    const bucketOf = (key: string) => bucketsAt(Date.now(), idempotencyWindowMs, fieldOf('song:a', 'ann', key), false).buckets[0]!
    let key = 'new'
    while (bucketOf(key) !== bucketOf('old')) key += 'w'
    await post('song:a', 'ann', { key })
    expect(await ovation.redis.hlen(partition.idempotency(bucketOf(key)))).toBe(2)
    expect(await ovation.redis.pttl(partition.idempotency(bucketOf(key)))).toBeGreaterThan(idempotencyWindowMs)
  })

  test('partitions are opened without waiting for a write', async () => {
    const stopping = new AbortController()
    const watching = watchPartitions({ ...reconcileOf(ovation), keys: ovation.keys }, stopping.signal)
    await until(async () =>
      (await Promise.all(ovation.keys.partitions.map((partition) => termOf(ovation, partition)))).every((term) => term === 1),
    )
    stopping.abort()
    await watching
  })
})
