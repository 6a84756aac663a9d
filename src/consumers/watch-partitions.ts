import { setTimeout as delay } from 'node:timers/promises'
import { finishRebuilding } from '../events/rebuilding.ts'
import { type ReconcileDependencies, openTerm, reconcile, reconcileLater } from '../events/reconcile.ts'
import type { Keys, PartitionKeys } from '../redis/keys.ts'

const intervalMs = 1_000

/** Opens partitions whose server restarted, was promoted or emptied, without waiting for a write, and finishes what waited for MongoDB or came late to it. */
export async function watchPartitions(dependencies: ReconcileDependencies & { keys: Keys }, signal: AbortSignal): Promise<void> {
  const { keys, log } = dependencies
  while (!signal.aborted) {
    await Promise.all(
      keys.partitions.map((partition) =>
        watch(dependencies, partition).catch((error: unknown) =>
          log.warn({ partition: partition.partition, reason: String(error) }, 'partition not opened yet'),
        ),
      ),
    )
    await delay(intervalMs, undefined, { signal }).catch(() => {})
  }
}

async function watch(dependencies: ReconcileDependencies, partition: PartitionKeys): Promise<void> {
  const { redis } = dependencies
  if ((await openTerm(redis, partition)) === undefined) await reconcile(dependencies, partition)
  else if ((await redis.hmget(partition.meta, 'lostTo', 'lateTo')).some(Boolean)) await reconcileLater(dependencies, partition)
  await finishRebuilding(redis, partition)
}
