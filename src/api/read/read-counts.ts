import { LRUCache } from 'lru-cache'
import type { Redis } from 'ioredis'
import type { Keys, PartitionKeys } from '../../redis/keys.ts'
import { knownMs } from './freshness.ts'
import { defineModelScript } from './model-script.ts'

export type Counts = { total: number; roots: number }
/** `degraded`: `counts` where some are unknown, `stale` where some are those of within the last minute. */
export type CountsReply = { counts: Map<string, Counts | null>; degraded: string[] }
export type ReadCounts = (topics: readonly string[]) => Promise<CountsReply>

/** Counts of topics from Redis; as they last were for those it cannot tell now, or null. Never rejects. */
export function createCountsReader(redis: Redis, keys: Keys): ReadCounts {
  const known = new LRUCache<string, Counts>({ max: 20_000, ttl: knownMs })
  const readPartition = createPartitionReader(redis)
  return async (topics) => {
    const byPartition = new Map<PartitionKeys, string[]>()
    for (const topic of topics) byPartition.set(keys.of(topic), [...(byPartition.get(keys.of(topic)) ?? []), topic])
    const read = new Map((await Promise.all([...byPartition].map(([partition, some]) => readPartition(partition, some)))).flat())
    const counts = new Map<string, Counts | null>()
    const degraded = new Set<string>()
    for (const topic of topics) {
      const now = read.get(topic)
      if (now) known.set(topic, now)
      const told = now ?? known.get(topic) ?? null
      counts.set(topic, told)
      if (!now) degraded.add(told ? 'stale' : 'counts')
    }
    return { counts, degraded: [...degraded] }
  }
}

/** One script for all topics of a partition; no numbers where Redis cannot tell them. */
function createPartitionReader(redis: Redis) {
  const read = defineModelScript(redis, 'readCounts', ['counts.lua'])
  return async ({ meta, rebuilding, count }: PartitionKeys, topics: readonly string[]): Promise<[string, Counts][]> => {
    const numbers = (await read([meta, rebuilding, ...topics.map(count)], []).catch(() => undefined)) as (string | null)[] | undefined
    if (!numbers) return []
    // An early deletion may be counted before its comment is: never less than none.
    const at = (index: number) => Math.max(0, Number(numbers[index]))
    return topics.flatMap((topic, i) => (numbers[2 * i] === null ? [] : [[topic, { total: at(2 * i), roots: at(2 * i + 1) }]]))
  }
}
