import type { Redis } from 'ioredis'

/** The server's clock, ms: what processes compare must not depend on their own. */
export async function serverMs(redis: Redis): Promise<number> {
  const [seconds, micros] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(micros) / 1_000)
}
