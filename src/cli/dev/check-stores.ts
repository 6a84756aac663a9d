import type { Logger } from 'pino'
import type { StoresConfig } from '../../config.ts'
import { durabilityWarnings } from '../../redis/check-server.ts'
import { reachMongo, reachRedis } from '../connect.ts'

/** Says what a Redis that was given would lose; fails where it or MongoDB does not answer. */
export async function checkStores(config: StoresConfig, log: Logger, say: (line: string) => void): Promise<void> {
  const [redis, mongo] = await Promise.allSettled([reachRedis(config, log), reachMongo(config, 'read')])
  try {
    if (redis.status === 'rejected') throw redis.reason
    if (mongo.status === 'rejected') throw mongo.reason
    for (const warning of await durabilityWarnings(redis.value)) say(`warning: ${warning}`)
  } finally {
    if (redis.status === 'fulfilled') redis.value.disconnect()
    if (mongo.status === 'fulfilled') await mongo.value.close()
  }
}
