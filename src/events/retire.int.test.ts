import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { commandsOn, commentOf } from '../../test/commands.ts'
import { type Deployment, createDeployment } from '../../test/deployment.ts'
import { type PrivateRedis, startPrivateRedis } from '../../test/private-redis.ts'
import { consumeAll, populate, readModels, reconcileOf, writtenAgain } from '../../test/reconciling.ts'
import { createConsumerRedis } from '../consumers/consumer-redis.ts'
import { streamsOf } from '../consumers/streams.ts'
import { createStore } from '../projections/store.ts'
import { demote, listHotspots, promote, retire } from './hotspots.ts'
import { decodeEntry } from './recorded.ts'
import { reconcileLater } from './reconcile.ts'

const topic = 'song:hot'
let server: PrivateRedis
let ovation: Deployment
beforeAll(async () => {
  server = await startPrivateRedis() // SCRIPT FLUSH below is everybody's
})
afterAll(() => server.stop())
beforeEach(() => {
  ovation = createDeployment({ redisUrl: server.url })
})
afterEach(() => ovation.close())

const partition = () => ovation.keys.of(topic)
const isThere = async () => (await ovation.redis.exists(partition().hot(topic))) === 1
const retireIt = () => retire(ovation.redis, ovation.keys, topic)
const retired = async () => {
  await demote(ovation.redis, ovation.keys, topic)
  expect(await retireIt()).toBe(true)
}

test('a stream is removed once the topic was demoted and every group has acknowledged all of it, not before', async () => {
  await populate(ovation)
  expect(await retireIt()).toBe(false)
  await demote(ovation.redis, ovation.keys, topic)
  const { xreadgroup } = ovation.redis
  await promote(ovation.redis, ovation.keys, topic)
  await commandsOn(ovation.append).posted(topic, 'late')
  await demote(ovation.redis, ovation.keys, topic)
  expect(await retireIt()).toBe(false) // not read
  for (const group of ['counts', 'likes', 'feed', 'store'])
    await xreadgroup.call(ovation.redis, 'GROUP', group, 'c', 'STREAMS', partition().hot(topic), '>')
  expect(await retireIt()).toBe(false) // read, not acknowledged
  expect(await isThere()).toBe(true)
  await consumeAll(await claimedAtOnce())
  const models = await readModels(ovation)
  expect(await retireIt()).toBe(true)
  expect(await isThere()).toBe(false)
  expect(await listHotspots(ovation.redis, ovation.keys)).toEqual([])
  expect(await readModels(ovation)).toEqual(models)
  expect(await retireIt()).toBe(false)
})

test('a group that the registry names and the stream lacks keeps it', async () => {
  await populate(ovation)
  await ovation.redis.sadd(partition().groups, 'feed.2')
  await demote(ovation.redis, ovation.keys, topic)
  expect(await retireIt()).toBe(false)
})

test('what was in it can still be answered, liked, and is not posted again', async () => {
  const { post, posted, like } = commandsOn(ovation.append)
  await promote(ovation.redis, ovation.keys, topic)
  const first = await post(topic, 'ann', { key: 'k' })
  await consumeAll(ovation)
  await retired()
  expect(await post(topic, 'ann', { key: 'k' })).toMatchObject({ kind: 'repeated-and-trimmed' })
  await ovation.redis.del(partition().feed(topic)) // it is then only in MongoDB
  const reply = await posted(topic, 'bob', { parentId: commentOf(first) })
  await like(topic, 'bob', commentOf(first))
  expect(reply > commentOf(first)).toBe(true)
})

test('promoted again it starts a new stream, which every group reads from its first entry', async () => {
  await populate(ovation)
  await retired()
  await promote(ovation.redis, ovation.keys, topic, { by: 'writes', untilMs: null, rate: 120 })
  const before = Number(await ovation.redis.hget(partition().count(topic), 'total'))
  await commandsOn(ovation.append).posted(topic, 'ann')
  const [entry] = await ovation.redis.xrange(partition().hot(topic), '-', '+')
  expect(Number(entry![1][entry![1].indexOf('seq') + 1])).toBeGreaterThan(1) // counts on: lag and archive go by it
  await consumeAll(ovation)
  expect(Number(await ovation.redis.hget(partition().count(topic), 'total'))).toBe(before + 1)
  expect(await listHotspots(ovation.redis, ovation.keys)).toMatchObject([{ topic, state: 'hot', by: 'writes', rate: 120 }])
})

test('a partition that is opened again after it writes nothing again', async () => {
  await populate(ovation)
  const { posted } = commandsOn(ovation.append)
  await promote(ovation.redis, ovation.keys, topic)
  await posted(topic, 'last of all') // the hot stream has the highest position
  await consumeAll(ovation)
  await retired()
  const models = await readModels(ovation)
  await ovation.redis.hdel(partition().meta, `floor:hot:${topic}`) // what was trimmed is below where the comparison begins
  await ovation.redis.script('FLUSH')
  await posted('song:elsewhere', 'ann')
  await posted(topic, 'ann')
  await consumeAll(ovation)
  expect(await writtenAgain(ovation)).toEqual([])
  expect((await readModels(ovation)).mongo.events.length).toBe(models.mongo.events.length + 2)
})

test('nor does a consumer that acknowledges late, or a comparison of its whole range', async () => {
  await populate(ovation)
  const [stream] = await streamsOf(ovation.redis, ovation.keys, 'hot')
  const entries = (await ovation.redis.xrange(stream!.key, '-', '+')).map(([id]) => id)
  await retired()
  const models = await readModels(ovation)
  await createConsumerRedis(ovation.redis, 'store', 'slow').acknowledgeArchived(stream!, entries)
  expect(await ovation.redis.hget(partition().meta, 'lateSeen')).toBeNull()
  await ovation.redis.hset(partition().meta, { lateFrom: entries[0]!, lateTo: entries.at(-1)!, lateSeen: '1' })
  await reconcileLater(reconcileOf(ovation), partition())
  expect(await ovation.redis.hget(partition().meta, 'lateSeen')).toBeNull() // it was done
  expect(await writtenAgain(ovation)).toEqual([])
  await consumeAll(ovation)
  expect(await readModels(ovation)).toEqual(models)
})

test('what a promoted replica lacked and a consumer archives later is lost, not trimmed, though the stream was retired above it', async () => {
  await populate(ovation)
  const { posted } = commandsOn(ovation.append)
  const { redis, keys, collections } = ovation
  const names = [partition().hot(topic), partition().meta]
  const state = await Promise.all(names.map((name) => redis.dumpBuffer(name)))
  const total = async () => Number(await redis.hget(partition().count(topic), 'total'))
  const before = await total()
  const [stream] = await streamsOf(redis, keys, 'hot')
  for (const user of ['lost', 'lost too']) await posted(topic, user)
  const slow = createConsumerRedis(redis.duplicate(), 'store', 'slow')
  const [inHand] = await slow.readNew([stream!], 100)
  expect(inHand!.entries).toHaveLength(2)
  for (const [i, name] of names.entries()) await redis.restore(name, 0, state[i]!, 'REPLACE')
  await redis.script('FLUSH')
  await posted(topic, 'ann')
  await consumeAll(ovation)
  await retired()
  expect(await total()).toBe(before + 1)

  const deliveries = inHand!.entries.map((entry) => ({ entry, event: decodeEntry(entry) }))
  await createStore(collections).apply([{ ...stream!, deliveries }])
  await slow.acknowledgeArchived(
    stream!,
    inHand!.entries.map(({ entryId }) => entryId),
  )
  await reconcileLater(reconcileOf(ovation), partition())
  expect(await writtenAgain(ovation)).toHaveLength(2)
  await consumeAll(ovation)
  expect(await total()).toBe(before + 3)
})

test('a stream that was written to a moment ago is kept where it is asked to have been quiet', async () => {
  await populate(ovation)
  await demote(ovation.redis, ovation.keys, topic)
  expect(await retire(ovation.redis, ovation.keys, topic, 60_000)).toBe(false)
  expect(await retireIt()).toBe(true)
})

/** The same deployment, whose consumers take at once what others have in hand. */
async function claimedAtOnce(): Promise<Deployment> {
  return { ...ovation, consume: (options) => ovation.consume({ ...options, claimAfterMs: 100 }) }
}
