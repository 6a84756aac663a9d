import type { Limit } from '../../events/append.ts'

/** What ordinary users write, in the order in which it is given up last. */
export const writeClasses = ['comments', 'likes', 'reports'] as const
export type WriteClass = (typeof writeClasses)[number]

/** At most `quota` in any window at once, and one more each `windowMs / quota` after that. */
export type Rate = { quota: number; windowMs: number }

/** Of `<quota>/<seconds>s`; undefined for `off`. The text has been checked by config.ts. */
export function rateOf(text: string): Rate | undefined {
  const [, quota, seconds] = /^(\d+)\/(\d+)s$/.exec(text) ?? []
  return quota === undefined ? undefined : { quota: Number(quota), windowMs: Number(seconds) * 1_000 }
}

/** As the append script takes it: a burst is the whole quota. */
export const limitOf = (name: WriteClass, { quota, windowMs }: Rate): Limit => ({ name, intervalMs: windowMs / quota, burstMs: windowMs })

/** `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10. */
export const policyText = (name: WriteClass, { quota, windowMs }: Rate): string => `"${name}";q=${quota};w=${windowMs / 1_000}`

/** `RateLimit` of the same draft: how many are left, and in how many seconds there is one more. */
export const leftText = (name: WriteClass, left: number, moreInMs: number): string => `"${name}";r=${left};t=${Math.ceil(moreInMs / 1_000)}`

/** From what a user owes of a limit: ms until all of it is there again, rounded up by the script. */
export function leftOf({ intervalMs, burstMs }: Limit, owedMs: number): { left: number; moreInMs: number } {
  const left = Math.max(0, Math.floor((burstMs - owedMs + 1) / intervalMs))
  return { left, moreInMs: Math.max(0, owedMs - (burstMs - (left + 1) * intervalMs)) }
}
