import { setTimeout as delay } from 'node:timers/promises'
import { type ReconcileDependencies, openTerm, reconcile, reconcileLater } from '../events/reconcile.ts'
import type { Keys } from '../redis/keys.ts'

const intervalMs = 1_000

/** Opens partitions whose server restarted, was promoted or emptied, without waiting for a write, and finishes what waited for MongoDB or came late to it. */
export async function watchPartitions(dependencies: ReconcileDependencies & { keys: Keys }, signal: AbortSignal): Promise<void> {
  const { redis, keys, log } = dependencies
  while (!signal.aborted) {
    for (const partition of keys.partitions) {
      try {
        if ((await openTerm(redis, partition)) === undefined) await reconcile(dependencies, partition)
        else if ((await redis.hmget(partition.meta, 'lostTo', 'lateTo')).some(Boolean)) await reconcileLater(dependencies, partition)
      } catch (error) {
        log.warn({ partition: partition.partition, reason: String(error) }, 'partition not opened yet')
      }
    }
    await delay(intervalMs, undefined, { signal }).catch(() => {})
  }
}
