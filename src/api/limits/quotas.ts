import type { Context } from 'hono'
import { LRUCache } from 'lru-cache'
import type { Config } from '../../config.ts'
import { DomainError, type ErrorCode } from '../../errors.ts'
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
  /** Appends within the limit and says in `RateLimit` what is left. Refuses where as many as a burst are under way. */
  use(c: Context<AppEnv>, append: (limit: Limit) => Promise<Outcome>): Promise<Outcome>
}
export type QuotaOf = (name: WriteClass, user: string, topic: string) => Quota | undefined

/** Longest a user is refused by what this process counts alone, ms: the log may be back. */
const refusedAfterFailureMs = 1_000

type Bounds = { limit: Limit; policy: string }
function boundsOf(name: WriteClass, text: string): Bounds | undefined {
  const rate = rateOf(text)
  return rate && { limit: limitOf(name, rate), policy: policyText(name, rate) }
}

const refused = (retryAfterMs: number) =>
  new DomainError('too-many-requests', 'more than the limit allows; try again later', {}, { retryAfterMs })

/** Nothing came of it and the script counted nothing: the log was away, or MongoDB was asked for a comment that is not there. */
const isFailure = (code: ErrorCode | undefined, retryAfterMs: number | undefined): boolean =>
  code === 'not-found' || (code === 'unavailable' && retryAfterMs === undefined)

/**
 * The quotas of ordinary users. The append script counts; this process remembers whom it refused and until when, and counts what failed and
 * what is under way by itself, so that nobody hammers a log that is away or fills the look-ups in MongoDB.
 */
export function createQuotas(config: Pick<Config, 'rateComments' | 'rateLikes' | 'rateReports'>, keys: Pick<Keys, 'of'>): QuotaOf {
  const classes = {
    comments: boundsOf('comments', config.rateComments),
    likes: boundsOf('likes', config.rateLikes),
    reports: boundsOf('reports', config.rateReports),
  } satisfies Record<WriteClass, Bounds | undefined>
  const untilMs = new LRUCache<string, number>({ max: 50_000 })
  const failures = createGcra()
  const underWay = new Map<string, number>()

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
        const others = underWay.get(holder) ?? 0
        if (others >= Math.round(limit.burstMs / limit.intervalMs)) {
          say(c, 0, refusedAfterFailureMs)
          throw refused(refusedAfterFailureMs)
        }
        underWay.set(holder, others + 1)
        try {
          const outcome = await append(limit)
          if ('owedMs' in outcome) {
            const { left, moreInMs } = leftOf(limit, outcome.owedMs!)
            say(c, left, moreInMs)
          }
          return outcome
        } catch (error) {
          const { code, retryAfterMs } = error instanceof DomainError ? error : {}
          if (code === 'too-many-requests') {
            remember(retryAfterMs ?? 0)
            say(c, 0, retryAfterMs ?? 0)
          } else if (isFailure(code, retryAfterMs)) {
            const waitMs = failures.take(holder, limit, performance.now())
            if (waitMs > 0) remember(Math.min(waitMs, refusedAfterFailureMs))
          }
          throw error
        } finally {
          const left = underWay.get(holder)! - 1
          if (left > 0) underWay.set(holder, left)
          else underWay.delete(holder)
        }
      },
    }
  }

  return (name, user, topic) => {
    const bounds = classes[name]
    return bounds && quotaOf(name, bounds, user, topic)
  }
}
