import { CircuitState, ConsecutiveBreaker, bulkhead, circuitBreaker, handleWhen, wrap } from 'cockatiel'
import { bounded } from '../../mongo/bounded.ts'
import { isTransientMongoError, readTimeoutMs } from '../../mongo/connect.ts'

export type MongoGuard = {
  /** Runs a read, or rejects: at once where MongoDB has just failed again and again or too many reads wait, and always within the bound. */
  run<T>(read: () => Promise<T>): Promise<T>
  /** Reads under way: now, at most since the start, and at most ever. */
  inFlight(): { now: number; peak: number; limit: number }
}

type Limits = { limit: number; queue: number; boundMs?: number; failures?: number; openMs?: number }

/**
 * The API's reads of MongoDB: so many at once, so many waiting for them, none longer than `boundMs` with its wait; after `failures` in a row
 * none for `openMs`, then one that tries. A read that is given up leaves its place: the driver may never settle it, the server ends it itself.
 */
export function createMongoGuard({ limit, queue, boundMs = readTimeoutMs, failures = 5, openMs = 1_000 }: Limits): MongoGuard {
  const places = bulkhead(limit, queue)
  const breaker = circuitBreaker(handleWhen(isTransientMongoError), { breaker: new ConsecutiveBreaker(failures), halfOpenAfter: openMs })
  const policy = wrap(places, breaker)
  let [now, peak] = [0, 0]

  async function counted<T>(read: () => Promise<T>, leftMs: number): Promise<T> {
    if (leftMs <= 0) throw new Error('its caller has gone')
    now += 1
    peak = Math.max(peak, now)
    try {
      return await bounded(leftMs, read())
    } catch (cause) {
      // Queueing took most of its time: MongoDB is busy, which is no reason to stop asking it.
      if (leftMs < boundMs / 2) throw new Error('no place was free in time', { cause })
      throw cause
    } finally {
      now -= 1
    }
  }

  return {
    async run(read) {
      // The one that tries goes alone: waiting for it would cost as much as trying.
      if (breaker.state === CircuitState.HalfOpen) throw new Error('MongoDB is being tried by another read')
      const endMs = performance.now() + boundMs
      const giveUp = new AbortController()
      try {
        const waited = policy.execute(() => counted(read, endMs - performance.now()), giveUp.signal)
        return await bounded(boundMs, waited)
      } finally {
        giveUp.abort() // leaves the queue
      }
    },
    inFlight: () => ({ now, peak, limit }),
  }
}
