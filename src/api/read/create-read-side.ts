import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Config } from '../../config.ts'
import type { Collections } from '../../mongo/collections.ts'
import type { Keys } from '../../redis/keys.ts'
import { createCorsHeaders } from '../cors.ts'
import type { Metrics } from '../metrics.ts'
import type { WriteTokens } from '../write-token.ts'
import { createCommentStore } from './comment-store.ts'
import { countReads } from './count-reads.ts'
import { createFastPath } from './fast-path.ts'
import { createFeedReader } from './feed-reader.ts'
import { exportReadMetrics } from './metrics.ts'
import { type MongoGuard, createMongoGuard } from './mongo-guard.ts'
import { createOwnWriteReader } from './own-write.ts'
import { createPageCache } from './page-cache.ts'
import { createPageCopies } from './page-copies.ts'
import { type ReadDependencies, createCommentReader } from './read-comments.ts'
import { createPostedReader } from './read-posted.ts'
import { createCountsReader } from './read-counts.ts'
import { createLikedReader } from './read-liked.ts'
import { watchHotspots } from './watch-hotspots.ts'
import { watchStore } from './watch-store.ts'

type Parts = {
  /** Rejects at once while Redis is away. */
  redis: Redis
  keys: Keys
  collections: Collections
  tokens: WriteTokens
  metrics: Metrics
  config: Pick<Config, 'allowedOrigins'>
  log: Logger
}

/** Reads of MongoDB at once, of at most 20 connections, and how many wait for one. */
const readsOfMongo = { limit: 16, queue: 64 }

type ReaderParts = Pick<Parts, 'redis' | 'keys' | 'collections'> & Pick<ReadDependencies, 'isBehind'> & { guard: MongoGuard }

/** Comments from both stores: all of the read side that a writing API needs. */
export const createReader = ({ redis, keys, collections, guard, isBehind }: ReaderParts) =>
  createCommentReader({
    readFeed: createFeedReader(redis, keys),
    readPosted: createPostedReader(redis, keys),
    store: createCommentStore(collections.comments, guard),
    isBehind,
  })

/** The parts that read, wired together; they watch until `stop`. */
export function createReadSide({ redis, keys, collections, tokens, metrics, config, log }: Parts) {
  const hotspots = watchHotspots(redis, keys, log)
  const store = watchStore(redis, keys, hotspots, log)
  const reads = countReads(redis, keys, log)
  const guard = createMongoGuard(readsOfMongo)
  const reader = createReader({ redis, keys, collections, guard, isBehind: store.isBehind })
  const cache = createPageCache({ isHot: hotspots.isHot, copies: createPageCopies(redis, keys) })
  const corsHeaders = createCorsHeaders(config.allowedOrigins)
  const fastPath = createFastPath({ cache, reads, observe: metrics.observe, corsHeaders })
  exportReadMetrics(metrics.registry, { stats: cache.stats, countHotspots: hotspots.count })
  return {
    ...{ redis, keys, collections, reader, cache, reads, guard, fastPath },
    readCounts: createCountsReader(redis, keys),
    readLiked: createLikedReader({ redis, keys, likes: collections.likes, guard }),
    readOwnWrite: createOwnWriteReader(redis, keys, tokens),
    stop() {
      for (const watching of [hotspots, store, reads]) watching.stop()
    },
  }
}
export type ReadSide = ReturnType<typeof createReadSide>
