import { LRUCache } from 'lru-cache'
import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import { knownMs } from './freshness.ts'
import { requireWhole } from './whole-models.ts'

export type Counts = { total: number; roots: number }
/** `degraded`: `counts` where some are unknown, `stale` where some are those of within the last minute. */
export type CountsReply = { counts: Map<string, Counts | null>; degraded: string[] }
export type ReadCounts = (topics: readonly string[]) => Promise<CountsReply>

/** Counts of topics from Redis; as they last were for those it cannot tell now, or null. Never rejects. */
export function createCountsReader(redis: Redis, keys: Keys): ReadCounts {
  const known = new LRUCache<string, Counts>({ max: 20_000, ttl: knownMs })
  return async (topics) => {
    const read = await readCounts(redis, keys, topics)
    const counts = new Map<string, Counts | null>()
    const degraded = new Set<string>()
    for (const [topic, now] of read) {
      if (now) known.set(topic, now)
      const told = now ?? known.get(topic) ?? null
      counts.set(topic, told)
      if (!now) degraded.add(told ? 'stale' : 'counts')
    }
    return { counts, degraded: [...degraded] }
  }
}

async function readCounts(redis: Redis, keys: Keys, topics: readonly string[]): Promise<[string, Counts | undefined][]> {
  const partitions = [...new Set(topics.map((topic) => keys.of(topic)))]
  const checks = await Promise.allSettled(partitions.map((partition) => requireWhole(redis, partition)))
  const whole = new Set(partitions.filter((_, i) => checks[i]!.status === 'fulfilled'))
  return Promise.all(
    topics.map(async (topic): Promise<[string, Counts | undefined]> => {
      const partition = keys.of(topic)
      const numbers = whole.has(partition) ? await redis.hmget(partition.count(topic), 'total', 'roots').catch(() => undefined) : undefined
      // An early deletion may be counted before its comment is: never less than none.
      return [topic, numbers && { total: Math.max(0, Number(numbers[0])), roots: Math.max(0, Number(numbers[1])) }]
    }),
  )
}
