import type { Redis } from 'ioredis'
import type { PartitionKeys } from '../../redis/keys.ts'

/** Rejects where the Redis models of a partition know nothing or only a part: an emptied server that has not read everything again. */
export async function requireWhole(redis: Redis, { meta, rebuilding }: PartitionKeys): Promise<void> {
  const [wasOpened, isRebuilding] = await Promise.all([redis.hexists(meta, 'lastTerm'), redis.exists(rebuilding)])
  if (!wasOpened || isRebuilding) throw new Error('the Redis models are not whole')
}
