import { setTimeout as delay } from 'node:timers/promises'
import type { ConsumerRedis, Delivered } from './consumer-redis.ts'
import type { LaneOptions } from './lane-options.ts'
import type { Stream } from './streams.ts'

type Reader = { redis: Pick<ConsumerRedis, 'readNew'>; options: Pick<LaneOptions, 'batchSize' | 'lingerMs'> }

/**
 * At most `each` of every stream, once for those that are there and once for those that came while it lingered. A backlog needs no company:
 * then there is no lingering. Asked to stop, it reads no more.
 */
export async function readNew(
  { redis, options: { batchSize, lingerMs } }: Reader,
  streams: readonly Stream[],
  waitMs: number,
  each: number,
  signal: AbortSignal,
): Promise<Delivered[]> {
  const first = await redis.readNew(streams, each, waitMs)
  const isBacklog = countOf(first) >= Math.min(batchSize, each * streams.length)
  if (first.length === 0 || lingerMs === 0 || isBacklog) return first
  await delay(lingerMs, undefined, { signal }).catch(() => {})
  return signal.aborted ? first : merged(first, await redis.readNew(streams, each))
}

export const countOf = (delivered: readonly Delivered[]): number => delivered.reduce((sum, { entries }) => sum + entries.length, 0)

function merged(first: readonly Delivered[], second: readonly Delivered[]): Delivered[] {
  const byKey = new Map(first.map((delivered) => [delivered.stream.key, delivered]))
  for (const { stream, entries, trimmed } of second) {
    const before = byKey.get(stream.key)
    byKey.set(
      stream.key,
      before
        ? { stream, entries: [...before.entries, ...entries], trimmed: [...before.trimmed, ...trimmed] }
        : { stream, entries, trimmed },
    )
  }
  return [...byKey.values()]
}
