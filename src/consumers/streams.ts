import type { Redis } from 'ioredis'
import type { Keys, PartitionKeys } from '../redis/keys.ts'

/** Lanes isolate: each kind is read by loops of its own. */
export const laneKinds = ['priority', 'global', 'hot'] as const
export type LaneKind = (typeof laneKinds)[number]

export type Stream = { key: string; partition: PartitionKeys; lane: string }

/** The streams of a lane kind as they are now: fixed for `priority` and `global`, those of the hotspot table for `hot`. */
export async function streamsOf(redis: Redis, keys: Keys, kind: LaneKind): Promise<Stream[]> {
  if (kind !== 'hot') return keys.partitions.map((partition) => ({ key: partition.lane(kind), partition, lane: kind }))
  const pipeline = redis.pipeline()
  for (const { hotspots } of keys.partitions) pipeline.hkeys(hotspots)
  const replies = (await pipeline.exec()) ?? []
  return replies.flatMap(([error, topics], i) => {
    if (error) throw error
    const partition = keys.partitions[i]!
    return (topics as string[]).map((topic) => ({ key: partition.hot(topic), partition, lane: `hot:${topic}` }))
  })
}
