import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumerRedis, Delivered } from './consumer-redis.ts'
import type { LaneOptions } from './lane-options.ts'
import type { Stream } from './streams.ts'

type Reader = { redis: Pick<ConsumerRedis, 'readNew'>; options: Pick<LaneOptions, 'batchSize' | 'lingerMs'> }
export type ReadNew = (streams: readonly Stream[], waitMs: number, each: number, signal: AbortSignal) => Promise<Delivered[]>

/**
 * Reads at most `each` of every stream, `lingerMs` after it was last given any: what comes first is read at once, what comes with a crowd is
 * gathered. A backlog needs no gathering. Asked to stop, it reads no more.
 */
export function createReadNew({ redis, options: { batchSize, lingerMs } }: Reader): ReadNew {
  let notBeforeMs = 0
  return async (streams, waitMs, each, signal) => {
    const restMs = notBeforeMs - performance.now()
    if (restMs > 0) await delay(restMs, undefined, { signal }).catch(() => {})
    if (signal.aborted) return []
    const delivered = await redis.readNew(streams, each, waitMs)
    const isBacklog = countOf(delivered) >= Math.min(batchSize, each * streams.length)
    notBeforeMs = delivered.length === 0 || isBacklog ? 0 : performance.now() + lingerMs
    return delivered
  }
}

export const countOf = (delivered: readonly Delivered[]): number => delivered.reduce((sum, { entries }) => sum + entries.length, 0)
