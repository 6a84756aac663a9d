import type { Redis } from 'ioredis'

/** A server that ends again within this was not back, ms: one whose disk is full comes and goes with its supervisor. */
const backMs = 1_000

/** For how long the server has not been there for commands, ms: 0 while it is. */
export function watchAway(redis: Redis, now: () => number = () => performance.now()): () => number {
  let awayAtMs = now()
  let readyAtMs: number | undefined = redis.status === 'ready' ? now() : undefined
  redis.on('ready', () => (readyAtMs = now()))
  redis.on('close', () => {
    if (readyAtMs !== undefined && now() - readyAtMs >= backMs) awayAtMs = now()
    readyAtMs = undefined
  })
  return () => (readyAtMs === undefined ? now() - awayAtMs : 0)
}
