import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { positionOfEntry } from '../../events/position.ts'
import { groupInfos } from '../../redis/info.ts'
import type { Keys, PartitionKeys } from '../../redis/keys.ts'
import type { HotspotWatch } from './watch-hotspots.ts'

export type StoreWatch = {
  /** Whether MongoDB still lacks events of the topic's partition at or below a position. */
  isBehind(topic: string, position: string): boolean
  stop(): void
}

const intervalMs = 1_000
/** Above every position. */
const nothingMissing = '~'
const everythingMissing = ''

/** Looks once a second from where on MongoDB lacks events, so that a page can say that it may have holes. */
export function watchStore(redis: Redis, keys: Keys, hotspots: Pick<HotspotWatch, 'look' | 'streamsOf'>, log: Logger): StoreWatch {
  let missingFrom = new Map<string, string>()
  const look = async () => {
    const found = await Promise.all(
      keys.partitions.map(async (partition) => {
        const from = await firstMissing(redis, partition, hotspots.streamsOf(partition)).catch((error: unknown) => {
          log.debug({ partition: partition.partition, reason: String(error) }, 'store position unknown')
          return everythingMissing
        })
        return [partition.tag, from] as const
      }),
    )
    missingFrom = new Map(found)
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  void hotspots.look().then(look)
  return {
    isBehind: (topic, position) => (missingFrom.get(keys.of(topic).tag) ?? nothingMissing) <= position,
    stop: () => clearInterval(timer),
  }
}

async function firstMissing(redis: Redis, partition: PartitionKeys, hot: readonly string[] | undefined): Promise<string> {
  if (!hot) return everythingMissing
  // What a moderator hides may be anywhere.
  if ((await firstUnapplied(redis, partition.lane('priority'))) !== nothingMissing) return everythingMissing
  const lanes = ['global', ...hot.map((topic) => `hot:${topic}`)]
  const firsts = await Promise.all(lanes.map((lane) => firstUnapplied(redis, partition.lane(lane))))
  return firsts.reduce((a, b) => (a < b ? a : b), nothingMissing)
}

/** The oldest entry that `store` was given and has not acknowledged, or the first that it was not given. */
async function firstUnapplied(redis: Redis, stream: string): Promise<string> {
  const store = (await groupInfos(redis, stream)).find(({ name }) => name === 'store')
  if (!store) return everythingMissing
  const pending = Number(store['pending']) > 0 ? ((await redis.xpending(stream, 'store')) as [number, string | null])[1] : null
  if (pending) return positionOfEntry(pending)
  const [next] = await redis.xrange(stream, `(${store['last-delivered-id']}`, '+', 'COUNT', 1)
  return next ? positionOfEntry(next[0]) : nothingMissing
}
