import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../test/deployment.ts'
import { startLane } from '../../test/lane.ts'
import type { CommentDocument } from '../mongo/collections.ts'
import { createLikes } from '../projections/likes.ts'
import { connectRedis } from '../redis/connect.ts'
import { flushNumbers } from './flush-numbers.ts'

let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment()
})
afterEach(() => ovation.close())

const numbersOf = async (topic: string, commentId: string) => {
  const document = await ovation.collections.comments.findOne({ _id: `${topic}/${commentId}` })
  return { likes: document?.likes?.n ?? 0, replies: document?.replies?.n ?? 0 }
}
const users = Array.from({ length: 30 }, (_, i) => `user-${i}`)

test('like and reply counts reach MongoDB merged, and exact after unlikes and removals', async () => {
  const { posted, like, unlike, remove } = commandsOn(ovation.append)
  const topic = 'song:a'
  const root = await posted(topic, 'ann')
  const reply = await posted(topic, 'bob', { parentId: root })
  await posted(topic, 'cid', { parentId: reply })
  for (const user of users) await like(topic, user, root)
  await like(topic, 'ann', reply)
  await ovation.consume()
  await until(async () => (await numbersOf(topic, root)).likes === 30 && (await numbersOf(topic, reply)).likes === 1)
  await until(async () => (await numbersOf(topic, root)).replies === 2)

  for (const user of users.slice(0, 10)) await unlike(topic, user, root)
  await unlike(topic, users[0]!, root)
  await remove(topic, 'bob', reply)
  await until(async () => (await numbersOf(topic, root)).likes === 20 && (await numbersOf(topic, root)).replies === 1)
  await until(
    async () => (await ovation.redis.exists(...ovation.keys.partitions.flatMap(({ dirty }) => [dirty('likes'), dirty('counts')]))) === 0,
  )
})

test('a comment is written at most once a second by all processes together, however often it is liked', async () => {
  const { posted, like } = commandsOn(ovation.append)
  const root = await posted('song:a', 'ann')
  const lane = startLane(ovation, createLikes(connectRedis(ovation.redisUrl, 'consumer', quiet)), { batchSize: 5 })
  let writes = 0
  const comments = new Proxy(ovation.collections.comments, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (name === 'bulkWrite') writes += 1
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  const stopping = new AbortController()
  const dependencies = { redis: ovation.redis, keys: ovation.keys, comments, log: quiet }
  const flushing = [1, 2, 3].map(() => flushNumbers(dependencies, stopping.signal))
  const startedMs = performance.now()
  let likes = 0
  while (performance.now() - startedMs < 2_500) await like('song:a', `user-${likes++}`, root)
  await until(async () => (await numbersOf('song:a', root)).likes === likes)
  expect(writes).toBeGreaterThan(1)
  expect(writes).toBeLessThanOrEqual(1 + Math.ceil((performance.now() - startedMs) / 900))
  stopping.abort()
  await Promise.all([...flushing, lane.stop()])
})

test('an older number never replaces a newer one', async () => {
  const { posted, like } = commandsOn(ovation.append)
  const root = await posted('song:a', 'ann')
  await like('song:a', 'bob', root)
  const consumers = await ovation.consume()
  await until(async () => (await numbersOf('song:a', root)).likes === 1)
  const newer: CommentDocument['likes'] = { v: '9999999999-000000000000', n: 7 }
  await ovation.collections.comments.updateOne({ _id: `song:a/${root}` }, { $set: { likes: newer } })
  await like('song:a', 'cid', root)
  await ovation.caughtUp()
  await until(async () => (await ovation.redis.exists(ovation.keys.of('song:a').dirty('likes'))) === 0)
  expect(await numbersOf('song:a', root)).toMatchObject({ likes: 7 })
  await consumers.stop()
})

test('in a partition that its server has not opened, numbers wait: they would carry the version of the term before', async () => {
  const { posted, like } = commandsOn(ovation.append)
  const root = await posted('song:a', 'ann')
  await like('song:a', 'bob', root)
  const lane = startLane(ovation, createLikes(connectRedis(ovation.redisUrl, 'consumer', quiet)))
  const { meta, dirty, flushed } = ovation.keys.of('song:a')
  await until(async () => (await ovation.redis.exists(dirty('likes'))) === 1)
  await ovation.redis.hdel(meta, 'term')
  const stopping = new AbortController()
  const flushing = flushNumbers(
    { redis: ovation.redis, keys: ovation.keys, comments: ovation.collections.comments, log: quiet },
    stopping.signal,
  )
  const tried = flushed('likes')
  await until(async () => (await ovation.redis.exists(tried)) === 1)
  await until(async () => (await ovation.redis.exists(tried)) === 0)
  expect(await ovation.redis.exists(dirty('likes'))).toBe(1)
  expect(await numbersOf('song:a', root)).toMatchObject({ likes: 0 })
  await like('song:a', 'cid', root)
  await until(async () => (await numbersOf('song:a', root)).likes === 2)
  stopping.abort()
  await Promise.all([flushing, lane.stop()])
})
