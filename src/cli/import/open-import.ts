import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { openLog } from '../../events/open-log.ts'
import { type Collections, collectionsOf } from '../../mongo/collections.ts'
import { type Keys, createKeys } from '../../redis/keys.ts'
import { createTopicPolicy } from '../../topics.ts'
import { quietLog, reachMongo, reachRedis } from '../connect.ts'
import { findStores } from '../deployment.ts'
import { type ImportReport, importYoutube } from './import-youtube.ts'
import { waitForStore } from './wait-for-store.ts'

type Stores = { redis: Redis; keys: Keys; collections: Collections; idempotencyWindowMs: number; log: Logger; say(line: string): void }
type Import = (csvPath: string, topic: string, onProgress?: (done: number, of: number) => void) => Promise<ImportReport>

/** `importYoutube` into these stores. */
export function createImport({ say, ...stores }: Stores): Import {
  const append = openLog(stores)
  const { redis, keys, collections } = stores
  return (csvPath, topic, onProgress) => {
    createTopicPolicy(['*']).requireAllowed(topic)
    return importYoutube({
      csvPath,
      topic,
      append,
      events: collections.events,
      waitForStore: () => waitForStore({ redis, keys, topic, say }),
      onProgress,
    })
  }
}

/** Imports into the deployment this command is for. */
export async function openImport(say: (line: string) => void): Promise<{ run: Import; close(): Promise<void> }> {
  const config = findStores()
  const log = quietLog()
  const redis = await reachRedis(config, log)
  const mongo = await reachMongo(config, 'write').catch((error: unknown) => {
    redis.disconnect()
    throw error
  })
  const keys = createKeys(config.keyPrefix, config.partitions)
  return {
    run: createImport({ redis, keys, collections: collectionsOf(mongo.db), idempotencyWindowMs: config.idempotencyWindowMs, log, say }),
    async close() {
      redis.disconnect()
      await mongo.close()
    },
  }
}
