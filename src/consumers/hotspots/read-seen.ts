import type { Redis } from 'ioredis'
import { hottestTopics, listHotspots } from '../../events/hotspots.ts'
import type { Keys } from '../../redis/keys.ts'
import { serverMs } from '../../redis/server-ms.ts'
import type { Seen } from './decide.ts'

/** Seconds that a rate is the mean of: one stray second of less than twice a limit is no flood. */
const seconds = 2

/**
 * The rates, the hotspots, and what is remembered of them. A rate is the mean of the last two whole seconds, or of the last one and the one that
 * runs where that is more already: a flood of several times a limit is seen within a second of its beginning, one at the limit within three.
 * Those of the hottest 20 of a partition, or of as many as `topics` is more.
 */
export async function readSeen(redis: Redis, keys: Keys, topics = 0): Promise<Seen> {
  const nowMs = await serverMs(redis)
  const most = Math.max(20, topics)
  const windows = Array.from({ length: seconds + 1 }, (_, i) => Math.floor(nowMs / 1_000) - i)
  const [writes, running, hotspots, warm, held, ...reads] = await Promise.all([
    hottestTopics(redis, keys, nowMs, seconds, most),
    hottestTopics(redis, keys, nowMs + 1_000, seconds, most),
    listHotspots(redis, keys),
    redis.zrevrange(keys.hotspots.warm, 0, -1, 'WITHSCORES'),
    redis.zrevrange(keys.hotspots.held, 0, -1, 'WITHSCORES'),
    ...windows.map((window) => redis.zrevrange(keys.reads(window), 0, Math.max(100, most) - 1, 'WITHSCORES')),
  ])
  return {
    nowMs,
    writes: larger(writes, running),
    reads: larger(summed(reads.slice(1), 1 / seconds), summed(reads.slice(0, -1), 1 / seconds)),
    hotspots,
    warmMs: summed([warm]),
    heldMs: summed([held]),
  }
}

function summed(lists: readonly string[][], weight = 1): Map<string, number> {
  const sums = new Map<string, number>()
  for (const list of lists)
    for (let i = 0; i < list.length; i += 2) sums.set(list[i]!, (sums.get(list[i]!) ?? 0) + Number(list[i + 1]) * weight)
  return sums
}

function larger(one: ReadonlyMap<string, number>, other: ReadonlyMap<string, number>): Map<string, number> {
  const both = new Map(one)
  for (const [topic, rate] of other) both.set(topic, Math.max(rate, both.get(topic) ?? 0))
  return both
}
