import { setTimeout as delay } from 'node:timers/promises'
import type { Run } from './open-run.ts'

const lookEveryMs = 100

/**
 * Resolves when every group has acknowledged everything and, for `all`, the numbers are in MongoDB; or with what is left, when nothing moved for
 * `stuckAfterMs`, or after `atMostMs`. Without the stores: after a moment.
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
    const last = recorder.lag.at(-1)
    if (last && last.atMs > beganMs) {
      const { global, priority, hot } = last.lanes
      const waiting = which === 'hot' ? hot.waiting : global.waiting + priority.waiting + hot.waiting
      const left = waiting > 0 ? waiting : which === 'all' ? await dirtyModels() : waiting
      if (left === 0) return undefined
      const now = `${left} ${last.moved}`
      if (now !== moved) [moved, movedAtMs] = [now, Date.now()]
      if (Date.now() - movedAtMs > settings.stuckAfterMs)
        return waiting === 0 ? 'numbers are not in MongoDB and nothing moves' : `${waiting} events wait and nothing moves`
    }
    if (Date.now() - beganMs > atMostMs) return 'it takes longer'
    await delay(lookEveryMs, undefined, { signal })
  }

  async function dirtyModels(): Promise<number> {
    const models = keys.partitions.flatMap((partition) => ['likes', 'counts'].map((model) => redis.exists(partition.dirty(model))))
    return (await Promise.all(models)).reduce((a, b) => a + b, 0)
  }
}
