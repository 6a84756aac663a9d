import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import { requireWhole } from './whole-models.ts'

export type Counts = { total: number; roots: number }

/** Counts of topics from Redis, null for those it cannot tell now. Never rejects. */
export async function readCounts(redis: Redis, keys: Keys, topics: readonly string[]): Promise<Map<string, Counts | null>> {
  const partitions = [...new Set(topics.map((topic) => keys.of(topic)))]
  const checks = await Promise.allSettled(partitions.map((partition) => requireWhole(redis, partition)))
  const whole = new Set(partitions.filter((_, i) => checks[i]!.status === 'fulfilled'))
  const counts = await Promise.all(
    topics.map(async (topic): Promise<[string, Counts | null]> => {
      const partition = keys.of(topic)
      const numbers = whole.has(partition) ? await redis.hmget(partition.count(topic), 'total', 'roots').catch(() => undefined) : undefined
      // An early deletion may be counted before its comment is: never less than none.
      return [topic, numbers ? { total: Math.max(0, Number(numbers[0])), roots: Math.max(0, Number(numbers[1])) } : null]
    }),
  )
  return new Map(counts)
}
