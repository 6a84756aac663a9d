import type { Answer, Built } from './answer.ts'

/** An ordinary topic: then its version is looked at, which is how soon others see what was written. */
export const ordinaryMs = 10
/** A hot topic: the same, and its readers do not wait for it until `usableMs`. */
const hotMs = 200
const usableMs = 2_000
/** What is MongoDB's part has no version: it is read again after this. */
const storeMs = 1_000
/** What is nowhere, in the same version of its topic: looked for again after this, in case MongoDB had not caught up. */
const missingMs = 10_000
/** A thin or old answer: how soon a part that returned is noticed. */
const degradedMs = 1_000
/** How old an answer may be shown when nothing better can be had. */
export const knownMs = 60_000

/** ± 20 %, so that what was built together is not built again together. */
const jittered = (ms: number): number => ms * (0.8 + Math.random() * 0.4)

export type Pace = {
  isHot: boolean
  /** Whether new comments show in it: then MongoDB's part does not keep its version from being looked at. */
  isLive: boolean
  /** Of an answer that has no version by nature. */
  freshMs: number | undefined
}

/** How long after it was built an answer is built again, whatever its version. */
export function rebuildMs({ version, degraded, usesStore, isMissing, isStale }: Omit<Built<unknown>, 'body' | 'views'>): number {
  if (!version || isStale) return 0
  if (degraded.length > 0) return jittered(degradedMs)
  return usesStore ? jittered(isMissing ? missingMs : storeMs) : Infinity
}

/** Sets how long an answer is good that was found to be current by a read that began at `beganMs`. */
export function schedule(answer: Answer, { isHot, isLive, freshMs }: Pace, beganMs: number, nowMs: number): void {
  const isOwn = freshMs !== undefined && answer.degraded.length === 0
  const until = isOwn
    ? beganMs + freshMs
    : answer.isStale || !answer.version
      ? nowMs + jittered(degradedMs)
      : isHot
        ? beganMs + jittered(hotMs)
        : answer.usesStore && !isLive && !answer.isMissing
          ? beganMs + jittered(storeMs)
          : beganMs + ordinaryMs
  answer.freshUntilMs = until
  answer.usableUntilMs = isHot ? Math.max(until, answer.asOfMs + usableMs) : until
}
