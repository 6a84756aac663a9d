import { setTimeout as delay } from 'node:timers/promises'
import type { Run } from './open-run.ts'

const lookEveryMs = 100
/** A connection of a consumer waits for its server for ever; this is how long a look waits, ms. */
const redisPatienceMs = 3_000

/**
 * Resolves when every group has acknowledged everything and, for `all`, the numbers are in MongoDB; or with what is left, when nothing moved, or
 * nothing was heard of Redis, for `stuckAfterMs`, or after `atMostMs`. Without the stores: after a moment.
 */
export async function untilCaughtUp(
  { stores, recorder, settings, signal }: Run,
  which: 'all' | 'lanes' | 'hot' = 'all',
  atMostMs = Infinity,
): Promise<string | undefined> {
  if (!stores) {
    await delay(Math.min(3_000, atMostMs), undefined, { signal })
    return undefined
  }
  const { redis, keys } = stores
  const beganMs = Date.now()
  let [moved, movedAtMs] = ['', beganMs]
  for (;;) {
    const { left, what } = await leftNow()
    if (left === 0) return undefined
    const now = `${left} ${what} ${recorder.lag.at(-1)?.moved}`
    if (now !== moved) [moved, movedAtMs] = [now, Date.now()]
    if (Date.now() - movedAtMs > settings.stuckAfterMs) return `${what} and nothing moves`
    if (Date.now() - beganMs > atMostMs) return 'it takes longer'
    await delay(lookEveryMs, undefined, { signal })
  }

  /** NaN where it is not known, such as when Redis is away. */
  async function leftNow(): Promise<{ left: number; what: string }> {
    const last = recorder.lag.at(-1)
    if (!last || last.atMs <= beganMs) return { left: Number.NaN, what: 'Redis does not say what waits' }
    const { global, priority, hot } = last.lanes
    const waiting = which === 'hot' ? hot.waiting : global.waiting + priority.waiting + hot.waiting
    if (waiting !== 0 || which !== 'all')
      return { left: waiting, what: `${Number.isNaN(waiting) ? 'an unknown number of' : waiting} events wait` }
    const unsaid = delay(redisPatienceMs, Number.NaN, { signal })
    return { left: await Promise.race([dirtyModels(), unsaid]), what: 'numbers are not in MongoDB' }
  }

  async function dirtyModels(): Promise<number> {
    const models = keys.partitions.flatMap((partition) => ['likes', 'counts'].map((model) => redis.exists(partition.dirty(model))))
    return (await Promise.all(models)).reduce((a, b) => a + b, 0)
  }
}
