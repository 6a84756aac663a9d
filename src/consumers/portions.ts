/**
 * How many entries to ask of each hot stream. Redis gives that many of every one: with as much as a batch from each of twenty backlogs, a lane
 * that rests between batches would look at no other stream for a long time. So streams that gave all that was asked share the next batch.
 */
export function createPortions(batchSize: number) {
  let hungry = Infinity
  return {
    of: (streams: number): number => Math.ceil(batchSize / Math.max(1, Math.min(hungry, streams))),
    /** What each stream gave when `asked` were asked of it. */
    saw(given: readonly number[], asked: number): void {
      hungry = given.filter((count) => count >= asked).length
    },
  }
}
export type Portions = ReturnType<typeof createPortions>
