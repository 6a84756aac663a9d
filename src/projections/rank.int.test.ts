import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../test/deployment.ts'
import { startLane } from '../../test/lane.ts'
import { type PrivateRedis, startPrivateRedis } from '../../test/private-redis.ts'
import { msOf, positionOfComment } from '../events/position.ts'
import { connectRedis } from '../redis/connect.ts'
import { createCounts } from './counts.ts'
import { createLikes } from './likes.ts'

const topic = 'song:a'
let server: PrivateRedis
let ovation: Deployment
beforeEach(async () => {
  server = await startPrivateRedis()
  ovation = createDeployment({ redisUrl: server.url, partitions: 1 })
})
afterEach(async () => {
  await ovation.close()
  await server.stop()
})

const partition = () => ovation.keys.partitions[0]!
const positionsOf = (ids: readonly string[]) => ids.map((id) => positionOfComment(id)!)
const hottest = () => ovation.redis.zrevrange(partition().ranked(topic), 0, -1)
/** How far its votes have moved a root ahead of its creation, in steps. */
const stepOf = async (id: string) => {
  const position = positionOfComment(id)!
  return (Number(await ovation.redis.zscore(partition().ranked(topic), position)) - msOf(position)) / 3_386_587
}
const consumeUntilCaughtUp = async () => {
  const consumers = await ovation.consume({ groups: ['counts', 'likes', 'feed', 'store'] })
  await ovation.caughtUp()
  return consumers
}
const repeat = async (count: number, act: (user: string) => Promise<unknown>) => {
  for (let i = 0; i < count; i++) await act(`user-${i}`)
}

test('the later of two roots is first until the earlier has votes; a reply weighs two likes; replies are not ranked', async () => {
  const { posted, like, unlike } = commandsOn(ovation.append)
  const [quietOne, liked, answered, newest] = [
    await posted(topic, 'ann'),
    await posted(topic, 'ann'),
    await posted(topic, 'ann'),
    await posted(topic, 'ann'),
  ]
  await consumeUntilCaughtUp()
  expect(await hottest()).toEqual(positionsOf([newest, answered, liked, quietOne]))
  const reply = await posted(topic, 'bob', { parentId: answered })
  await like(topic, 'bob', liked)
  await repeat(9, (user) => like(topic, user, reply))
  await ovation.caughtUp()
  expect(await hottest()).toEqual(positionsOf([answered, liked, newest, quietOne]))
  expect([await stepOf(liked), await stepOf(answered)]).toEqual([4, 6]) // 1 + 1 votes: one octave; 1 + 2: log2(3) = 1.58
  await unlike(topic, 'bob', liked)
  await ovation.caughtUp()
  expect(await hottest()).toEqual(positionsOf([answered, newest, liked, quietOne]))
})

test('a root that is hidden leaves and comes back with the votes it had then; one that is deleted stays away, whoever likes it', async () => {
  const { posted, like, hide, restore, remove } = commandsOn(ovation.append)
  const [hidden, deleted] = [await posted(topic, 'ann'), await posted(topic, 'ann')]
  await hide(topic, hidden)
  await repeat(7, (user) => like(topic, user, hidden))
  await like(topic, 'bob', deleted)
  await consumeUntilCaughtUp()
  expect(await hottest()).toEqual(positionsOf([deleted]))
  await restore(topic, hidden)
  await remove(topic, 'ann', deleted)
  // A like that was on its way when its comment was deleted.
  const position = positionOfComment(deleted)!
  const late = {
    id: 'late',
    type: 'comment.liked',
    v: '1',
    topic,
    seq: '9',
    term: '1',
    actor: 'eve',
    at: '1700000000000',
    cid: 'c',
    key: '',
  }
  const fields = { ...late, data: JSON.stringify({ commentId: deleted, rootId: null }) }
  await ovation.redis.xadd(partition().lane('priority'), '*', ...Object.entries(fields).flat())
  await ovation.caughtUp()
  expect(await ovation.redis.hget(partition().likes(topic), position)).toBe('2')
  expect(await hottest()).toEqual(positionsOf([hidden]))
  expect(await stepOf(hidden)).toBe(12) // 1 + 7 votes: three octaves
})

test('500 likes, one at a time, write the order 30 times', async () => {
  const { posted, like } = commandsOn(ovation.append)
  const root = await posted(topic, 'ann')
  await repeat(500, (user) => like(topic, user, root))
  await ovation.redis.config('RESETSTAT')
  const redis = connectRedis(ovation.redisUrl, 'consumer', quiet)
  const counts = startLane(ovation, createCounts(redis))
  await until(async () => counts.stats.applied === 501)
  const likes = startLane(ovation, createLikes(redis), { batchSize: 1 })
  await until(async () => likes.stats.applied === 501)
  await Promise.all([counts.stop(), likes.stop()])
  redis.disconnect()
  expect(await stepOf(root)).toBe(35) // 501: between 2^8.75 and 2^9
  const calls = Number(/cmdstat_zadd:calls=(\d+)/.exec(await ovation.redis.info('commandstats'))?.[1])
  // Once for its creation and once a step; but 1 vote is step 4, 2 are 6 and 3 are 8: five steps are never stood on.
  expect(calls).toBe(1 + 35 - 5)
})

describe('a key of the wrong type parks the entry, and nothing of it is applied', () => {
  test.each(['ranked', 'likes', 'count'] as const)('%s', async (name) => {
    const { posted, like } = commandsOn(ovation.append)
    const root = await posted(topic, 'ann')
    await like(topic, 'bob', root)
    await posted('song:b', 'ann')
    await ovation.redis.set(partition()[name](topic), 'of another type')
    await consumeUntilCaughtUp()
    for (const group of ['counts', 'likes']) {
      expect(await ovation.redis.xlen(partition().dead(group))).toBe(1)
    }
    for (const other of (['ranked', 'likes', 'count'] as const).filter((other) => other !== name))
      expect(await ovation.redis.exists(partition()[other](topic))).toBe(0)
    expect(await ovation.redis.exists(partition().likers(topic, positionOfComment(root)!))).toBe(0)
    expect(await ovation.redis.hget(partition().count('song:b'), 'total')).toBe('1')
  })
})

test('the cap keeps the highest; a root that was dropped comes back when its votes move it', async () => {
  const { posted, like } = commandsOn(ovation.append)
  const ids: string[] = []
  await repeat(5, async (user) => ids.push(await posted(topic, user)))
  const redis = connectRedis(ovation.redisUrl, 'consumer', quiet)
  const [counts, likes] = [startLane(ovation, createCounts(redis, 3)), startLane(ovation, createLikes(redis, 3))]
  await until(async () => counts.stats.applied === 5)
  expect(await hottest()).toEqual(positionsOf([ids[4]!, ids[3]!, ids[2]!]))
  await like(topic, 'bob', ids[0]!)
  await until(async () => likes.stats.applied === 6)
  expect(await hottest()).toEqual(positionsOf([ids[0]!, ids[4]!, ids[3]!]))
  await Promise.all([counts.stop(), likes.stop()])
  redis.disconnect()
})

test('dropped and counted anew with the counts, the order is what it was', async () => {
  const { posted, like, hide } = commandsOn(ovation.append)
  const ids: string[] = []
  await repeat(6, async (user) => ids.push(await posted(topic, user)))
  for (const [i, id] of ids.entries()) await repeat(3 * i, (user) => like(topic, user, id))
  await repeat(4, (user) => posted(topic, user, { parentId: ids[0]! }))
  await hide(topic, ids[3]!)
  const consumers = await consumeUntilCaughtUp()
  await consumers.stop()
  const live = await ovation.redis.zrange(partition().ranked(topic), '0', '-1', 'WITHSCORES')
  expect(live).toHaveLength(2 * 5)
  await ovation.redis.del(partition().count(topic), partition().ranked(topic))
  for (const lane of ['global', 'priority']) await ovation.redis.xgroup('SETID', partition().lane(lane), 'counts', '0')
  await consumeUntilCaughtUp()
  expect(await ovation.redis.zrange(partition().ranked(topic), '0', '-1', 'WITHSCORES')).toEqual(live)
})
