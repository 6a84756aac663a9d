import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'

// A full Redis refuses SET and takes DEL; what follows a write in the same script it takes too. So the lease can be had at maxmemory.
const holdText = `
local holder = redis.call('GET', KEYS[1])
if holder == ARGV[1] then return redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
if holder then return 0 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`
const releaseText = `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end`

/** One among many acts: the holder of a key that expires `ttlMs` after it was last held. */
export function createLease(redis: Redis, key: string, ttlMs: number) {
  const token = randomUUID()
  let untilMs = 0
  return {
    /** Takes or renews it; false: another has it. */
    async hold(): Promise<boolean> {
      const sentMs = performance.now()
      const isHeld = (await redis.eval(holdText, 1, key, token, ttlMs)) === 1
      untilMs = isHeld ? sentMs + ttlMs : 0
      return isHeld
    },
    /** Whether it is still held, by our own clock: a process that was paused asks before each step. */
    isHeld: () => performance.now() < untilMs,
    /** Lets another have it at once. */
    async release(): Promise<void> {
      if (performance.now() < untilMs) await redis.eval(releaseText, 1, key, token)
      untilMs = 0
    },
  }
}
export type Lease = ReturnType<typeof createLease>
