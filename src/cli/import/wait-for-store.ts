import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { positionOfEntry } from '../../events/position.ts'
import { groupInfos } from '../../redis/info.ts'
import type { Keys } from '../../redis/keys.ts'
import { Failure } from '../failures.ts'

export type WaitForStore = { redis: Redis; keys: Keys; topic: string; timeoutMs?: number; say(line: string): void }

/**
 * Resolves when the archive holds every event of the topic's streams as they are now, so that it can be asked what is there. Fails as a false
 * condition when the `store` group does not get there in time.
 */
export async function waitForStore({ redis, keys, topic, timeoutMs = 60_000, say }: WaitForStore): Promise<void> {
  const { lane, hot } = keys.of(topic)
  const streams = [lane('global'), lane('priority'), hot(topic)]
  const tops = await Promise.all(streams.map((stream) => topOf(redis, stream)))
  const deadline = Date.now() + timeoutMs
  let saidAtMs = Date.now()
  for (;;) {
    const isDone = await Promise.all(streams.map((stream, i) => hasApplied(redis, stream, tops[i]!)))
    if (!isDone.includes(false)) return
    if (Date.now() > deadline)
      throw new Failure(
        'condition',
        `the store group is behind for ${timeoutMs / 1_000} s now: consumers do not run (ovation groups, ovation consume)`,
      )
    if (Date.now() - saidAtMs > 2_000) {
      say('waiting until the store group has archived what is in the log')
      saidAtMs = Date.now()
    }
    await delay(50)
  }
}

/** The position of the last entry; empty where there is none. */
async function topOf(redis: Redis, stream: string): Promise<string> {
  const [top] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1)
  return top ? positionOfEntry(top[0]) : ''
}

/** Delivered up to `top`, and nothing up to there is still in somebody's hands. */
async function hasApplied(redis: Redis, stream: string, top: string): Promise<boolean> {
  if (top === '') return true
  const store = (await groupInfos(redis, stream)).find(({ name }) => name === 'store')
  if (!store || positionOfEntry(String(store['last-delivered-id'])) < top) return false
  const [pending, oldest] = (await redis.xpending(stream, 'store')) as [number, string | null]
  return pending === 0 || (oldest !== null && positionOfEntry(oldest) > top)
}
