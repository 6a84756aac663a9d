/** Hot batches take at most this share of the time, where nobody says otherwise: measured to leave a priority insert at p99 9 ms beside 14,000 hot events a second. */
export const defaultDutyPercent = 50
/** An observation older than this says nothing about now: a lane that fell silent is not in need, ms. */
const freshMs = 2_000
/** Longest rest, ms; at a duty below half longer by as much, so that it holds for batches of up to a second. */
const longestRestMs = 1_000

/**
 * How long the hot lane rests between batches, so that the other lanes keep the store to themselves for the rest of the time or more. It starts
 * at what `dutyPercent` leaves, doubles while the other lanes' writes take more than twice their baseline, here or in another process, and
 * shrinks by a tenth when they do not.
 */
export function createPacer(dutyPercent = defaultDutyPercent, now: () => number = () => performance.now()) {
  const least = (100 - dutyPercent) / dutyPercent
  let restFactor = least
  let isCrowdedElsewhere = false
  /** Each lane against itself: one that waits for company writes larger batches, which is no congestion. */
  const lanes = new Map<string, { baselineMs: number; recentMs: number; atMs: number }>()
  const mix = (old: number, ms: number, weight: number) => old + (ms - old) * weight
  const isCrowded = () => [...lanes.values()].some(({ baselineMs, recentMs, atMs }) => recentMs > 2 * baselineMs && now() - atMs < freshMs)
  return {
    /** A write of a lane that must not notice took this long. */
    observe(lane: string, ms: number): void {
      const { baselineMs, recentMs } = lanes.get(lane) ?? { baselineMs: ms, recentMs: ms }
      // The baseline falls at once and rises slowly: congestion must not become the norm it is measured against.
      lanes.set(lane, {
        recentMs: mix(recentMs, ms, 0.2),
        baselineMs: mix(baselineMs, ms, ms < baselineMs ? 0.5 : 0.005),
        atMs: now(),
      })
    },
    /** Whether the other lanes of this process take more than twice their time. */
    isCrowded,
    /** Whether those of another process do. */
    hearOf(isCrowded: boolean): void {
      isCrowdedElsewhere = isCrowded
    },
    /** What to rest after a hot batch that took this long, ms. */
    restAfter(ms: number): number {
      restFactor =
        isCrowded() || isCrowdedElsewhere ? Math.max(least, Math.min(20, Math.max(restFactor, 0.5) * 2)) : Math.max(least, restFactor * 0.9)
      return Math.min(longestRestMs * Math.max(1, least), ms * restFactor)
    },
  }
}
export type Pacer = ReturnType<typeof createPacer>
