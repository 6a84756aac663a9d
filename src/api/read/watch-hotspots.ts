import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Keys, PartitionKeys } from '../../redis/keys.ts'

export type HotspotWatch = {
  isHot(topic: string): boolean
  /** Topics of a partition that have a stream of their own, draining ones too; undefined before the first look. */
  streamsOf(partition: PartitionKeys): readonly string[] | undefined
  count(): number
  /** Looks now. Never rejects. */
  look(): Promise<void>
  stop(): void
}

const intervalMs = 500

/** Looks twice a second which topics are hotspots, in one round trip; while Redis is away those last seen stay. */
export function watchHotspots(redis: Redis, keys: Keys, log: Logger): HotspotWatch {
  let hot = new Set<string>()
  let streams = new Map<string, string[]>()
  const look = async () => {
    try {
      const tables = await Promise.all(keys.partitions.map(({ hotspots }) => redis.hgetall(hotspots)))
      hot = new Set(tables.flatMap((table) => Object.keys(table).filter((topic) => table[topic] === 'hot')))
      streams = new Map(keys.partitions.map(({ tag }, i) => [tag, Object.keys(tables[i]!)]))
    } catch (error) {
      log.debug({ reason: String(error) }, 'hotspots unknown')
    }
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  void look()
  return {
    isHot: (topic) => hot.has(topic),
    streamsOf: ({ tag }) => streams.get(tag),
    count: () => hot.size,
    look,
    stop: () => clearInterval(timer),
  }
}
