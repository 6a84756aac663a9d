import type { Delivered } from './consumer-redis.ts'
import type { Stream } from './streams.ts'

/** Streams that are asked for at most `each` entries of every one: Redis counts by stream. */
export type Part = { of: readonly Stream[]; each: number }

/** So many of each stream are at most a batch of all of them, if there are not more streams than that. */
export const shareOf = (batchSize: number, streams: number): number => Math.max(1, Math.floor(batchSize / Math.max(1, streams)))

/**
 * How many entries to ask of each hot stream. With as much as a batch from each of twenty, a lane that rests between batches would look at no
 * other stream for a long time. So the streams that gave all they were asked for share a batch, and the others share another: what is in hand
 * is two batches at most, and one stream with a backlog beside many quiet ones gets all of the first.
 */
export function createPortions(batchSize: number) {
  let hungry = new Set<string>()
  return {
    of(streams: readonly Stream[]): Part[] {
      const parts = [streams.filter(({ key }) => hungry.has(key)), streams.filter(({ key }) => !hungry.has(key))]
      return parts.filter((of) => of.length > 0).map((of) => ({ of, each: shareOf(batchSize, of.length) }))
    },
    /** What they gave. */
    saw(delivered: readonly Delivered[], parts: readonly Part[]): void {
      const asked = new Map(parts.flatMap(({ of, each }) => of.map(({ key }) => [key, each] as const)))
      hungry = new Set(delivered.flatMap(({ stream: { key }, entries }) => (entries.length >= asked.get(key)! ? [key] : [])))
    },
  }
}
export type Portions = ReturnType<typeof createPortions>
