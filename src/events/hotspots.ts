import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { luaFile } from '../redis/script.ts'

const promoteText = luaFile(import.meta.url, 'promote.lua')

/** From now on the topic's events go to `hot:<topic>`, which every group reads within a second from its first entry. */
export async function promote(redis: Redis, keys: Keys, topic: string): Promise<void> {
  const { hotspots, groups, hot, meta } = keys.of(topic)
  await redis.eval(promoteText, 4, hotspots, groups, hot(topic), meta, topic)
}

/** New events go back to `global`; the hot stream stays readable until it is retired. */
export async function demote(redis: Redis, keys: Keys, topic: string): Promise<void> {
  const { hotspots } = keys.of(topic)
  if (await redis.hexists(hotspots, topic)) await redis.hset(hotspots, topic, 'draining')
}
