import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import { type Logger, destination, pino } from 'pino'
import type { StoresConfig } from '../config.ts'
import { type MongoConnection, connectMongo } from '../mongo/connect.ts'
import { partitionsFault } from '../redis/check-server.ts'
import { connectRedis } from '../redis/connect.ts'
import { Failure } from './failures.ts'

/** Longest wait for a server to answer at all, ms. */
const patienceMs = 2_000

/** The log of verbs whose output is for people: faults only, apart from what they print. */
export const quietLog = (): Logger => pino({ level: 'error' }, destination(2))

/** Resolves when Redis answers; fails as `unreachable` otherwise, and where its deployment has another number of partitions. */
export async function reachRedis({ redisUrl, keyPrefix, partitions }: StoresConfig, log: Logger): Promise<Redis> {
  const redis = connectRedis(redisUrl, 'request', log)
  let reason = `no answer within ${patienceMs / 1_000} s`
  redis.on('error', (error) => (reason = error.message || String((error as NodeJS.ErrnoException).code)))
  const answer = redis.ping().then(
    () => undefined,
    (error: Error) => (/timed out|closed/i.test(error.message) ? reason : error.message),
  )
  const fault = await within(answer, () => reason)
  if (fault === undefined) {
    try {
      const isStarted = await redis.exists(`${keyPrefix}partitions`)
      const otherPartitions = isStarted ? await partitionsFault(redis, keyPrefix, partitions) : undefined
      if (otherPartitions) throw new Failure('usage', otherPartitions)
      return redis
    } catch (error) {
      redis.disconnect()
      throw error
    }
  }
  redis.disconnect()
  throw new Failure('unreachable', `Redis does not answer at ${shown(redisUrl)}: ${fault}`)
}

/** Resolves when MongoDB answers; fails as `unreachable` otherwise. */
export async function reachMongo({ mongodbUrl }: StoresConfig, purpose: 'read' | 'write'): Promise<MongoConnection> {
  const mongo = connectMongo(mongodbUrl, { poolSize: 4, purpose })
  const answer = mongo.db.command({ ping: 1 }).then(
    () => undefined,
    (error: Error) => error.message,
  )
  const fault = await within(answer, () => `no answer within ${patienceMs / 1_000} s`)
  if (fault === undefined) return mongo
  void mongo.close().catch(() => {})
  throw new Failure('unreachable', `MongoDB does not answer at ${shown(mongodbUrl)}: ${fault}`)
}

async function within(answer: Promise<string | undefined>, late: () => string): Promise<string | undefined> {
  const patience = new AbortController()
  const tooLong = delay(patienceMs, undefined, { signal: patience.signal }).then(late, () => undefined)
  const fault = await Promise.race([answer, tooLong])
  patience.abort()
  return fault
}

const shown = (url: string): string => url.replace(/\/\/[^@/]*@/, '//')
