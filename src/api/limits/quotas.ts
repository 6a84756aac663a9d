import type { Context } from 'hono'
import { LRUCache } from 'lru-cache'
import type { Config } from '../../config.ts'
import { DomainError } from '../../errors.ts'
import type { Limit, Outcome } from '../../events/append.ts'
import type { Keys } from '../../redis/keys.ts'
import type { AppEnv } from '../app.ts'
import { setHeader } from '../response-header.ts'
import { createGcra } from './gcra.ts'
import { type WriteClass, leftOf, leftText, limitOf, policyText, rateOf } from './rate.ts'

/** One user's quota of a class, in the partition of the topic written to. */
export type Quota = {
  /** Throws `too-many-requests` where the quota is known to be used up, without asking Redis. */
  requireLeft(c: Context<AppEnv>): void
  /** Appends within the limit and says in `RateLimit` what is left. */
  use(c: Context<AppEnv>, append: (limit: Limit) => Promise<Outcome>): Promise<Outcome>
}
export type QuotaOf = (name: WriteClass, user: string, topic: string) => Quota | undefined

/** Longest a user is refused because writes failed, ms: the log may be back. */
const refusedAfterFailureMs = 1_000

type Bounds = { limit: Limit; policy: string }
function boundsOf(name: WriteClass, text: string): Bounds | undefined {
  const rate = rateOf(text)
  return rate && { limit: limitOf(name, rate), policy: policyText(name, rate) }
}

const refused = (retryAfterMs: number) =>
  new DomainError('too-many-requests', 'more than the limit allows; try again later', {}, { retryAfterMs })

/**
 * The quotas of ordinary users. The append script counts; this process remembers whom it refused and until when, and counts what failed by
 * itself, so that nobody hammers a log that is away.
 */
export function createQuotas(config: Pick<Config, 'rateComments' | 'rateLikes' | 'rateReports'>, keys: Pick<Keys, 'of'>): QuotaOf {
  const classes = {
    comments: boundsOf('comments', config.rateComments),
    likes: boundsOf('likes', config.rateLikes),
    reports: boundsOf('reports', config.rateReports),
  } satisfies Record<WriteClass, Bounds | undefined>
  const untilMs = new LRUCache<string, number>({ max: 50_000 })
  const failures = createGcra()

  function quotaOf(name: WriteClass, { limit, policy }: Bounds, user: string, topic: string): Quota {
    const holder = `${name}:${keys.of(topic).partition}:${user}`
    const say = (c: Context<AppEnv>, left: number, moreInMs: number) => setHeader(c, 'RateLimit', leftText(name, left, moreInMs))
    const remember = (waitMs: number) => void untilMs.set(holder, performance.now() + waitMs)
    return {
      requireLeft(c) {
        setHeader(c, 'RateLimit-Policy', policy)
        const waitMs = (untilMs.get(holder) ?? 0) - performance.now()
        if (waitMs <= 0) return
        say(c, 0, waitMs)
        throw refused(waitMs)
      },
      async use(c, append) {
        try {
          const outcome = await append(limit)
          if ('owedMs' in outcome) {
            const { left, moreInMs } = leftOf(limit, outcome.owedMs!)
            say(c, left, moreInMs)
          }
          return outcome
        } catch (error) {
          const { code, retryAfterMs = 0 } = error instanceof DomainError ? error : {}
          if (code === 'too-many-requests') {
            remember(retryAfterMs)
            say(c, 0, retryAfterMs)
          } else if (code === 'unavailable') {
            const waitMs = failures.take(holder, limit, performance.now())
            if (waitMs > 0) remember(Math.min(waitMs, refusedAfterFailureMs))
          }
          throw error
        }
      },
    }
  }

  return (name, user, topic) => {
    const bounds = classes[name]
    return bounds && quotaOf(name, bounds, user, topic)
  }
}
