import type { Redis } from 'ioredis'
import type { Collections } from '../src/mongo/collections.ts'
import type { PartitionKeys } from '../src/redis/keys.ts'

/**
 * Everything that readers see of the read models, in one comparable value; throws when there are dead letters. Left out is what may differ:
 * `changes` (a version, counts the effects that changed something, of which a restore that comes before its hide has fewer), `dirty` (holds
 * those versions), `o:<comment>` and `seen` (say that an event was written again), and whether a zero was ever written.
 */
export async function snapshot(redis: Redis, partitions: readonly PartitionKeys[], collections: Collections) {
  const redisModels = await Promise.all(partitions.map((partition) => redisModelsOf(redis, partition)))
  return { redis: Object.assign({}, ...redisModels) as Record<string, unknown>, mongo: await mongoModelsOf(collections) }
}

const isHash = (name: string) => /^(count|likes|likers|feed|pins):/.test(name)
const isSortedSet = (name: string) => /^(feed-\w+:|ranked:|topics$)/.test(name)

async function redisModelsOf(redis: Redis, partition: PartitionKeys): Promise<Record<string, unknown>> {
  const start = partition.lane('')
  const names = (await redis.keys(`${start}*`)).map((key) => key.slice(start.length))
  const dead = names.filter((name) => name.startsWith('dead:'))
  if (dead.length > 0) throw new Error(`there are dead letters: ${dead.join()}`)
  const models = names.filter((name) => isHash(name) || isSortedSet(name)).sort()
  const pipeline = redis.pipeline()
  for (const name of models) {
    if (isHash(name)) pipeline.hgetall(start + name)
    else pipeline.zrange(start + name, '0', '-1', 'WITHSCORES')
  }
  const replies = (await pipeline.exec()) ?? []
  return Object.fromEntries(
    replies.flatMap(([error, reply], i): [string, unknown][] => {
      if (error) throw error
      const name = models[i]!
      if (isSortedSet(name)) return [[name, reply]]
      const fields = comparable(reply as Record<string, string>)
      return Object.keys(fields).length > 0 ? [[name, fields]] : []
    }),
  )
}

const comparable = (hash: Record<string, string>) =>
  Object.fromEntries(
    Object.entries(hash)
      .filter(([field, value]) => field !== 'changes' && !field.startsWith('o:') && value !== '0')
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  )

async function mongoModelsOf({ events, comments, likes }: Collections) {
  const [archived, commented, liked] = await Promise.all([
    events
      .find({}, { projection: { seen: 0 } })
      .sort({ _id: 1 })
      .toArray(),
    comments.find().sort({ _id: 1 }).toArray(),
    likes.find().sort({ _id: 1 }).toArray(),
  ])
  return {
    events: archived,
    // The versions of these two are terms and `changes`.
    comments: commented.map(({ likes: likeCount, replies, ...comment }) => ({
      ...comment,
      likes: likeCount?.n ?? 0,
      replies: replies?.n ?? 0,
    })),
    likes: liked,
  }
}
export type Snapshot = Awaited<ReturnType<typeof snapshot>>
