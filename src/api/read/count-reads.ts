import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Keys } from '../../redis/keys.ts'

export type ReadCounter = {
  count(topic: string): void
  /** Tells what was counted since it was told last. Never rejects. */
  report(): Promise<void>
  stop(): void
}

const intervalMs = 1_000
/** What the controller of hotspots gets to know: the most-read topics of a second, if they were read so often at least. */
const mostTopics = 20
const leastReads = 20
const keptSeconds = 15
/** More topics a second are not counted: what a scan reads once is no hotspot. */
const maxTopics = 20_000

/** Counts this process's reads by topic and tells them once a second. */
export function countReads(redis: Redis, keys: Keys, log: Logger): ReadCounter {
  let reads = new Map<string, number>()
  const report = async () => {
    const most = [...reads]
      .filter(([, n]) => n >= leastReads)
      .sort(([, a], [, b]) => b - a)
      .slice(0, mostTopics)
    reads = new Map()
    if (most.length === 0) return
    try {
      // By the server's clock, which the controller goes by: a process whose own is seconds behind would never be heard.
      const [second] = await redis.time()
      const name = keys.reads(Number(second))
      const pipeline = redis.pipeline()
      for (const [topic, n] of most) pipeline.zincrby(name, n, topic)
      await pipeline.expire(name, keptSeconds).exec()
    } catch (error) {
      log.debug({ reason: String(error) }, 'reads not reported')
    }
  }
  const timer = setInterval(() => void report(), intervalMs)
  timer.unref()
  return {
    count(topic) {
      const n = reads.get(topic)
      if (n !== undefined || reads.size < maxTopics) reads.set(topic, (n ?? 0) + 1)
    },
    report,
    stop: () => clearInterval(timer),
  }
}
