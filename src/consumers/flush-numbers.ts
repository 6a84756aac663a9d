import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { AnyBulkWriteOperation, Collection } from 'mongodb'
import type { Logger } from 'pino'
import { commentIdAt } from '../events/position.ts'
import { openTerm } from '../events/reconcile.ts'
import type { CommentDocument } from '../mongo/collections.ts'
import { updateAll } from '../projections/write-many.ts'
import type { Keys, PartitionKeys } from '../redis/keys.ts'

type Model = {
  name: 'likes' | 'counts'
  register: 'likes' | 'replies'
  hash(partition: PartitionKeys, topic: string): string
  field(comment: string): string
}

const models: readonly Model[] = [
  { name: 'likes', register: 'likes', hash: ({ likes }, topic) => likes(topic), field: (comment) => comment },
  { name: 'counts', register: 'replies', hash: ({ count }, topic) => count(topic), field: (root) => `r:${root}` },
]

/** A comment's numbers reach MongoDB at most this often, ms. */
const intervalMs = 1_000
const clearText = `for i = 1, #ARGV, 2 do if redis.call('HGET', KEYS[1], ARGV[i]) == ARGV[i + 1] then redis.call('HDEL', KEYS[1], ARGV[i]) end end`

export type FlushNumbers = { redis: Redis; keys: Keys; comments: Collection<CommentDocument>; log: Logger }

/** Carries like and reply counts from Redis to MongoDB, merged: what changed since the last time, once a second. Ends on abort. */
export async function flushNumbers(dependencies: FlushNumbers, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    for (const partition of dependencies.keys.partitions) {
      await flushPartition(dependencies, partition).catch((error: unknown) =>
        dependencies.log.warn({ partition: partition.partition, reason: String(error) }, 'counts did not reach MongoDB, repeating'),
      )
    }
    await delay(intervalMs, undefined, { signal }).catch(() => {})
  }
}

async function flushPartition({ redis, comments }: FlushNumbers, partition: PartitionKeys): Promise<void> {
  // While an emptied server reads everything again its numbers are partial, and its term would put them above MongoDB's whole ones.
  if (await redis.exists(partition.rebuilding)) return
  for (const model of models) {
    const dirty = partition.dirty(model.name)
    if (!(await redis.exists(dirty)) || !(await takeTurn(redis, partition.flushed(model.name)))) continue
    const term = await openTerm(redis, partition)
    if (term === undefined) continue
    let cursor = '0'
    do {
      const [next, flat] = await redis.hscan(dirty, cursor, 'COUNT', 500)
      cursor = next
      if (flat.length > 0) await flushSome(redis, partition, { model, comments, term, flat })
    } while (cursor !== '0')
  }
}

/** One process a second: the numbers are merged, but writing them twice is work for nothing. A full server cannot note whose turn it is. */
const takeTurn = (redis: Redis, key: string): Promise<boolean> =>
  redis.set(key, '1', 'PX', intervalMs - 100, 'NX').then(Boolean, (error: Error) => {
    if (error.message.startsWith('OOM')) return true
    throw error
  })

type Some = { model: Model; comments: Collection<CommentDocument>; term: number; flat: readonly string[] }

async function flushSome(redis: Redis, partition: PartitionKeys, { model, comments, term, flat }: Some): Promise<void> {
  const byTopic = new Map<string, string[]>()
  for (let i = 0; i < flat.length; i += 2) {
    const slash = flat[i]!.lastIndexOf('/')
    const topic = flat[i]!.slice(0, slash)
    byTopic.set(topic, [...(byTopic.get(topic) ?? []), flat[i]!.slice(slash + 1)])
  }
  const writes = await Promise.all(
    [...byTopic].map(async ([topic, positions]) => {
      const [changes, ...numbers] = await redis.hmget(model.hash(partition, topic), 'changes', ...positions.map(model.field))
      const v = `${String(term).padStart(10, '0')}-${(changes ?? '0').padStart(12, '0')}`
      return positions.map((position, i): AnyBulkWriteOperation<CommentDocument> => {
        const commentId = commentIdAt(position)
        const update = { $max: { [model.register]: { v, n: Number(numbers[i] ?? 0) } }, $setOnInsert: { commentId } }
        return { updateOne: { filter: { _id: `${topic}/${commentId}`, topic }, update, upsert: true } }
      })
    }),
  )
  // A server that took over has counted less, or anew. Until it is opened, its numbers would carry the version of the term before, and lose.
  if ((await openTerm(redis, partition)) !== term) return
  await updateAll(comments, writes.flat())
  await redis.eval(clearText, 1, partition.dirty(model.name), ...flat)
}
