import type { Redis } from 'ioredis'
import { demote, promote } from '../../events/hotspots.ts'
import type { Keys } from '../../redis/keys.ts'
import { serverMs } from '../../redis/server-ms.ts'

/** A person's promotion, from now on for `forMs`, or until it is ended by hand. Resolves with its end on the server's clock, ms. */
export async function promoteByHand(redis: Redis, keys: Keys, topic: string, forMs?: number): Promise<number | null> {
  const untilMs = forMs === undefined ? null : (await serverMs(redis)) + forMs
  await promote(redis, keys, topic, { by: 'operator', untilMs, rate: null })
  await redis.zrem(keys.hotspots.held, topic)
  return untilMs
}

/** A person's demotion: the topic's rates do not promote it again for `holdMs`. False: it was not hot. */
export async function demoteByHand(redis: Redis, keys: Keys, topic: string, holdMs: number): Promise<boolean> {
  if (!(await demote(redis, keys, topic))) return false
  // A full Redis refuses this, having taken the demotion.
  await redis.zadd(keys.hotspots.held, (await serverMs(redis)) + holdMs, topic).catch(() => {})
  await demote(redis, keys, topic) // a rate may have promoted it again in between
  return true
}
