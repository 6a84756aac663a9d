import { createUsualTime } from './usual-time.ts'

/** Hot batches take at most this share of the time, where nobody says otherwise: measured to leave a priority insert at p99 9 ms beside 14,000 hot events a second. */
export const defaultDutyPercent = 50
/** An observation older than this says nothing about now: a lane that fell silent is not in need, ms. */
const freshMs = 2_000
/** A write that takes this much longer than usual is noticed by nobody: a hot batch holds Redis up for about as long, ms. */
const unnoticedMs = 10
/** What is usual is learned from one write in this time, so that congestion it is told of late changes little, ms. */
const learnEveryMs = 100
/** Three slow writes in a row are crowding, or a quarter of the last dozen or two. */
const [recentWeight, crowdedShare] = [0.1, 0.25]
/** A process that starts in the middle of a flood rests as long as if the others suffered for this long, to learn what is usual, ms. */
const settlingMs = 3_000
/** Longest rest: so many times the batch, ... */
const longestRest = 20
/** ... and this, ms; at a duty below half longer by as much, so that it holds for batches of up to a second. */
const longestRestMs = 1_000

/**
 * How long the hot lane rests between batches. As long as the other lanes do not suffer, what `dutyPercent` leaves; while they do, here or in
 * another process, twice as long after each batch, and half as long after each when they do not. They suffer while a quarter of their
 * recent writes take more than twice what three of four usually take, by a difference that can be noticed.
 */
export function createPacer(dutyPercent = defaultDutyPercent, now: () => number = () => performance.now()) {
  const shortestRest = (100 - dutyPercent) / dutyPercent
  let restFactor = Math.max(shortestRest, longestRest)
  let startedAtMs: number | undefined
  let pressedAtMs = -Infinity
  let elsewhere = { isCrowded: false, isPressing: false }
  const lanes = new Map<string, { usual: ReturnType<typeof createUsualTime>; slowShare: number; atMs: number; learnedAtMs: number }>()
  const isCrowded = () => [...lanes.values()].some(({ slowShare, atMs }) => slowShare > crowdedShare && now() - atMs < freshMs)
  const isPressing = () => now() - pressedAtMs < freshMs
  return {
    /** A write of so many entries of a lane that must not notice took this long. */
    observe(lane: string, entries: number, ms: number): void {
      startedAtMs ??= now()
      const { usual, slowShare, learnedAtMs } = lanes.get(lane) ?? { usual: createUsualTime(), slowShare: 0, learnedAtMs: -Infinity }
      const usualMs = usual.of(entries)
      const isSlow = usualMs !== undefined && ms > 2 * usualMs && ms > usualMs + unnoticedMs
      // What the hot lane does to the others must not become usual. What is slow while it rests long is slow without it.
      const isAtRest = !isPressing() && !elsewhere.isPressing && now() - learnedAtMs >= learnEveryMs
      const learns = usualMs === undefined || isAtRest
      if (learns) usual.learn(entries, ms)
      lanes.set(lane, {
        usual,
        slowShare: slowShare + recentWeight * (Number(isSlow) - slowShare),
        atMs: now(),
        learnedAtMs: learns ? now() : learnedAtMs,
      })
    },
    /** Whether the other lanes of this process suffer. */
    isCrowded,
    /** Whether the hot lane of this process has lately taken more than its least. */
    isPressing,
    /** What other processes say of theirs. */
    hearOf(others: { isCrowded: boolean; isPressing: boolean }): void {
      elsewhere = others
    },
    /** What to rest after a hot batch that took this long, ms. */
    restAfter(ms: number): number {
      startedAtMs ??= now()
      restFactor =
        isCrowded() || elsewhere.isCrowded || now() - startedAtMs < settlingMs
          ? Math.max(shortestRest, Math.min(longestRest, Math.max(restFactor, 0.5) * 2))
          : Math.max(shortestRest, restFactor / 2)
      if (restFactor < longestRest / 2) pressedAtMs = now()
      return Math.min(longestRestMs * Math.max(1, shortestRest), ms * restFactor)
    },
  }
}
export type Pacer = ReturnType<typeof createPacer>
