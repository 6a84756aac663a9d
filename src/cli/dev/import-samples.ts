import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import { readLag } from '../../consumers/lag.ts'
import { collectionsOf } from '../../mongo/collections.ts'
import { connectMongo } from '../../mongo/connect.ts'
import { connectRedis } from '../../redis/connect.ts'
import type { Keys } from '../../redis/keys.ts'
import { archivedTopics, readRows } from '../import/import-youtube.ts'
import { createImport } from '../import/open-import.ts'
import { createProgress } from '../import/progress.ts'

const sampleFile = (name: string) => fileURLToPath(new URL(`../../../data/youtube-spam-collection/${name}.csv`, import.meta.url))
const samples = [
  { topic: 'song:psy', csvPath: sampleFile('Youtube01-Psy') },
  { topic: 'song:katyperry', csvPath: sampleFile('Youtube02-KatyPerry') },
  { topic: 'song:lmfao', csvPath: sampleFile('Youtube03-LMFAO') },
]
/** Longest the first page waits for its read models, ms. */
const catchUpMs = 5_000

type Into = { config: Config; keys: Keys; log: Logger; say(line: string): void }

/** The comments of three videos, where the archive does not have them all, so that there is something to look at. */
export async function importSamples({ config, keys, log, say }: Into): Promise<void> {
  const redis = connectRedis(config.redisUrl, 'request', log)
  const mongo = connectMongo(config.mongodbUrl, { poolSize: 2, purpose: 'write' })
  const collections = collectionsOf(mongo.db)
  const run = createImport({ redis, keys, collections, idempotencyWindowMs: config.idempotencyWindowMs, log, say })
  try {
    for (const { topic, csvPath } of samples) {
      const { rows } = await readRows(csvPath)
      const archived = await archivedTopics(
        collections.events,
        rows.map(({ id }) => id),
      )
      if (archived.size === rows.length) continue
      const progress = createProgress(topic)
      const { taken, repeated, refused } = await run(csvPath, topic, progress.update)
      progress.end()
      say(
        `${topic}: ${taken} comments taken${repeated > 0 ? `, ${repeated} there before` : ''}${refused.length > 0 ? `, ${refused.length} refused` : ''}`,
      )
    }
    await caughtUp(redis, keys)
  } finally {
    redis.disconnect()
    await mongo.close()
  }
}

async function caughtUp(redis: Redis, keys: Keys): Promise<void> {
  for (const deadline = Date.now() + catchUpMs; Date.now() < deadline; await delay(25)) {
    const rows = await readLag(redis, keys)
    if (rows.every(({ lagEvents, pending }) => lagEvents === 0 && pending === 0)) return
  }
}
