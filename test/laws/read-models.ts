import type { Redis } from 'ioredis'
import type { GroupName } from '../../src/events/groups.ts'
import { type Entry, decodeEntry } from '../../src/events/recorded.ts'
import { fieldsOf } from '../../src/events/append.ts'
import type { Collections } from '../../src/mongo/collections.ts'
import { createCounts } from '../../src/projections/counts.ts'
import { createFeed } from '../../src/projections/feed.ts'
import { createLikes } from '../../src/projections/likes.ts'
import type { Batch, Projection } from '../../src/projections/projection.ts'
import { createStore } from '../../src/projections/store.ts'
import { createKeys } from '../../src/redis/keys.ts'
import { snapshot } from '../snapshot.ts'
import { topics } from './history.ts'

/** Low, so that the floor rises in most histories. */
export const feedCap = 5

/** How the entries of a group reach its consumers. */
export type Deliveries = {
  /** Entries a batch, in turn. */
  sizes: readonly number[]
  /** Which of the batches that wait is next. */
  picks: readonly number[]
  /** How often a batch comes once more, in turn. */
  repeats: readonly number[]
  /** How many consumers work at once. */
  consumers: number
}

const lanes = ['global', 'priority', ...topics.map((topic) => `hot:${topic}`)]
const atOnce: Deliveries = { sizes: [999], picks: [], repeats: [0], consumers: 1 }

/** Ten events at a time in the order of their positions, across lanes. */
function inOrder(read: readonly Batch[][]): Batch[][] {
  const all = read.flat().flatMap(({ deliveries, ...batch }) => deliveries.map((delivery) => ({ ...batch, deliveries: [delivery] })))
  all.sort((a, b) => (a.deliveries[0]!.event.position < b.deliveries[0]!.event.position ? -1 : 1))
  return Array.from({ length: Math.ceil(all.length / 10) }, (_, i) => all.slice(i * 10, i * 10 + 10))
}

const projectionOf: Record<GroupName, (redis: Redis, collections: Collections, cap?: number) => Projection> = {
  store: (_, collections) => createStore(collections),
  counts: (redis, _, cap) => createCounts(redis, cap),
  likes: (redis, _, cap) => createLikes(redis, cap),
  feed: (redis) => createFeed(redis, feedCap),
}

/** The read models of one partition, behind real streams and groups, under a prefix and collections of their own. */
export function createReadModels(redis: Redis, collections: Collections, prefix: string, groups: readonly GroupName[], rankedCap?: number) {
  const partition = createKeys(prefix, 1).partitions[0]!
  const projections = groups.map((group) => projectionOf[group](redis, collections, rankedCap))

  async function clear(): Promise<void> {
    const keys = await redis.keys(`${prefix}*`)
    if (keys.length > 0) await redis.unlink(...keys)
    await Promise.all([collections.events, collections.comments, collections.likes].map((collection) => collection.deleteMany({})))
  }

  async function write(entries: readonly Entry[]): Promise<void> {
    const pipeline = redis.pipeline()
    for (const lane of lanes) for (const group of groups) pipeline.xgroup('CREATE', partition.lane(lane), group, '0', 'MKSTREAM')
    for (const { lane, entryId, fields } of entries) pipeline.xadd(partition.lane(lane), entryId, ...Object.entries(fields).flat())
    for (const [error] of (await pipeline.exec()) ?? []) if (error) throw error
  }

  async function readAll(group: string, { sizes, consumers }: Deliveries, decode: typeof decodeEntry): Promise<Batch[][]> {
    const batches: Batch[][] = []
    for (let i = 0; ; i++) {
      const names = lanes.map(partition.lane)
      const count = 1 + (sizes[i % sizes.length] ?? 0)
      const args = ['GROUP', group, `consumer-${i % consumers}`, 'COUNT', count, 'STREAMS', ...names, ...names.map(() => '>')]
      const reply = (await redis.call('XREADGROUP', ...args)) as [string, [string, string[]][]][] | null
      if (!reply) return batches
      batches.push(
        reply.map(([key, raw]) => {
          const lane = lanes[names.indexOf(key)]!
          const entries = raw.map(([entryId, flat]) => ({ lane, entryId, fields: fieldsOf(flat) }))
          return { partition, lane, deliveries: entries.map((entry) => ({ entry, event: decode(entry) })) }
        }),
      )
    }
  }

  /** The batches of one consumer after the other, without regard to order, some of them again. */
  function shuffled(batches: readonly Batch[][], { picks, repeats }: Deliveries): Batch[][] {
    const waiting = batches.flatMap((batch, i) => Array.from({ length: 1 + (repeats[i % repeats.length] ?? 0) }, () => batch))
    const picked = picks.flatMap((pick) => waiting.splice(pick % Math.max(1, waiting.length), 1))
    return [...picked, ...waiting]
  }

  async function deliver(
    { group, acknowledges, apply }: Projection,
    deliveries: Deliveries | 'in order',
    decode: typeof decodeEntry,
  ): Promise<void> {
    const isInOrder = deliveries === 'in order'
    const batches = await readAll(group, isInOrder ? atOnce : deliveries, decode)
    const queue = isInOrder ? inOrder(batches) : shuffled(batches, deliveries)
    const consume = async () => {
      for (let batch = queue.shift(); batch; batch = queue.shift()) {
        await apply(batch)
        if (acknowledges) continue
        for (const { lane, deliveries } of batch)
          await redis.xack(partition.lane(lane), group, ...deliveries.map(({ entry }) => entry.entryId))
      }
    }
    await Promise.all(Array.from({ length: isInOrder ? 1 : deliveries.consumers }, consume))
  }

  return {
    /** Everything that the read models are after these entries were delivered this way. */
    async after(entries: readonly Entry[], deliveries: Deliveries | 'in order', decode = decodeEntry) {
      await clear()
      await write(entries)
      await Promise.all(projections.map((projection) => deliver(projection, deliveries, decode)))
      return await snapshot(redis, [partition], collections)
    },
    clear,
  }
}
