import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import { inject } from 'vitest'
import { type ConsumerOptions, startConsumers } from '../src/consumers/start-consumers.ts'
import { openLog } from '../src/events/open-log.ts'
import { collectionsOf } from '../src/mongo/collections.ts'
import { connectMongo } from '../src/mongo/connect.ts'
import { connectRedis } from '../src/redis/connect.ts'
import { groupInfos } from '../src/redis/info.ts'
import { createKeys } from '../src/redis/keys.ts'

export const quiet = pino({ level: process.env['TEST_LOG_LEVEL'] ?? 'silent' })

type Place = {
  redisUrl?: string
  mongodbUrl?: string
  partitions?: number
  idempotencyWindowMs?: number
  /** That of another deployment: the same keys and database, seen from another server. */
  id?: string
}

/** A log with a key prefix and a database of its own on the run's servers, and consumers on demand. */
export function createDeployment({
  redisUrl = inject('redisUrl'),
  mongodbUrl = inject('mongodbUrl'),
  partitions = 2,
  idempotencyWindowMs = 3_600_000,
  id = randomUUID().slice(0, 8),
}: Place = {}) {
  const database = mongodbUrl.replace(/^(\w+:\/\/[^/?]+)\/?/, `$1/test-${id}`)
  const redis = connectRedis(redisUrl, 'request', quiet)
  const mongo = connectMongo(database, { poolSize: 5, purpose: 'write' })
  const collections = collectionsOf(mongo.db)
  const keys = createKeys(`t${id}:`, partitions)
  const append = openLog({ redis, keys, collections, idempotencyWindowMs, log: quiet })
  const running: { stop(): Promise<void> }[] = []
  return {
    id,
    redis,
    redisUrl,
    mongodbUrl: database,
    keys,
    collections,
    append,
    async consume(options: Partial<ConsumerOptions> = {}) {
      const started = await startConsumers({
        redisUrl,
        mongodbUrl: database,
        keys,
        name: `c-${randomUUID().slice(0, 6)}`,
        idempotencyWindowMs,
        log: quiet,
        ...options,
      })
      started.failed.catch(() => {})
      running.push(started)
      return started
    },
    /** Every group has acknowledged everything in every stream. */
    caughtUp: () => until(async () => (await backlog(redis, keys)) === 0),
    async close() {
      await Promise.all(running.map((consumers) => consumers.stop()))
      await mongo.db.dropDatabase().catch(() => {})
      await mongo.close()
      redis.disconnect()
    },
  }
}
export type Deployment = ReturnType<typeof createDeployment>

/** Waits for a condition, bounded; rejects naming what was still false. */
export async function until(condition: () => Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs
  while (!(await condition().catch(() => false))) {
    if (performance.now() > deadlineMs) throw new Error(`still false after ${timeoutMs} ms: ${condition.toString()}`)
    await delay(20)
  }
}

async function backlog(redis: Deployment['redis'], keys: Deployment['keys']): Promise<number> {
  let count = 0
  for (const partition of keys.partitions) {
    const hot = (await redis.hkeys(partition.hotspots)).map((topic) => `hot:${topic}`)
    for (const lane of ['global', 'priority', ...hot]) {
      const groups = await groupInfos(redis, partition.lane(lane)).catch(() => [])
      const [last] = await redis.xrevrange(partition.lane(lane), '+', '-', 'COUNT', 1)
      for (const { pending, 'last-delivered-id': delivered } of groups) count += Number(pending) + (last && delivered !== last[0] ? 1 : 0)
    }
  }
  return count
}
