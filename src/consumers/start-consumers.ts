import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { type GroupName, groupNames } from '../events/groups.ts'
import { type Collections, collectionsOf, ensureIndexes } from '../mongo/collections.ts'
import { bounded } from '../mongo/bounded.ts'
import { connectMongo, isTransientMongoError, writeTimeoutMs } from '../mongo/connect.ts'
import { createCounts } from '../projections/counts.ts'
import { createFeed } from '../projections/feed.ts'
import { createLikes } from '../projections/likes.ts'
import type { Projection } from '../projections/projection.ts'
import { createStore } from '../projections/store.ts'
import { archivedPartitionsFault } from '../mongo/partitions-setting.ts'
import { partitionsFault } from '../redis/check-server.ts'
import { connectRedis, isTransientRedisError } from '../redis/connect.ts'
import type { HotspotLimits } from '../hotspot-limits.ts'
import type { Keys } from '../redis/keys.ts'
import { createConsumerRedis } from './consumer-redis.ts'
import { flushNumbers } from './flush-numbers.ts'
import { runController } from './hotspots/run-controller.ts'
import { createPacer } from './pacer.ts'
import { persist } from './persist.ts'
import { type LaneStats, runLane } from './run-lane.ts'
import { shareCrowding } from './share-crowding.ts'
import { type LaneKind, laneKinds, streamsOf } from './streams.ts'
import { watchPartitions } from './watch-partitions.ts'

export type ConsumerOptions = {
  redisUrl: string
  mongodbUrl: string
  keys: Keys
  /** Stable over restarts where it can be: pending entries are then taken up at once instead of being claimed. */
  name: string
  groups?: readonly GroupName[]
  lanes?: readonly LaneKind[]
  /** Readers of the global lane of each group. */
  concurrency?: number
  /** What the hot lane may take of the store. */
  hot?: HotBudget
  /** When topics are hot; left out, this process promotes and demotes none. */
  hotspots?: HotspotLimits
  claimAfterMs?: number
  idempotencyWindowMs: number
  log: Logger
}

export type HotBudget = {
  /** Entries a batch, at most. */
  batchSize?: number
  /** Share of the time that batches may take, at most. */
  dutyPercent?: number
}

export type RunningConsumers = {
  stats(): { group: string; lane: string; stats: LaneStats }[]
  /** Resolves when every lane has finished its batch, or after 8 s. */
  stop(): Promise<void>
  /** Rejects when a lane stopped because a person has to act. */
  failed: Promise<never>
}

/**
 * How long the first entries wait for company, ms: one at a time costs ten times the CPU at 1,000 a second. The feed is what people see; of a
 * hot topic they see a page that is up to 200 ms old, and what its crowd writes must not take the machine from the others.
 */
const lingerMs = {
  priority: { feed: 0, store: 0, counts: 0, likes: 0 },
  global: { feed: 5, store: 10, counts: 20, likes: 20 },
  hot: { feed: 50, store: 100, counts: 100, likes: 100 },
} satisfies Record<LaneKind, Record<GroupName, number>>

/** Longest a batch may wait for MongoDB and still count as alive is 10 s (its write timeout): claiming starts later. */
const defaultClaimAfterMs = 15_000

/** Longest a stop waits for batches in hand, ms: below the 10 s after which Docker kills. What is not acknowledged comes again. */
const stopPatienceMs = 8_000

/** Runs the groups and lanes asked for, all by default, each lane in loops of its own with connections of its own. */
export async function startConsumers(options: ConsumerOptions): Promise<RunningConsumers> {
  const { redisUrl, mongodbUrl, keys, groups = groupNames, lanes = laneKinds, concurrency = 1, name, log } = options
  const stopping = new AbortController()
  setMaxListeners(0, stopping.signal)
  const connections: Redis[] = []
  const connect = () => {
    const redis = connectRedis(redisUrl, 'consumer', log)
    connections.push(redis)
    return redis
  }
  const crowd = connectMongo(mongodbUrl, { poolSize: 4, purpose: 'write' })
  const others = connectMongo(mongodbUrl, { poolSize: 8, purpose: 'write' })
  const collections = collectionsOf(others.db)
  const shared = connect()
  const waiting = {
    isTransient: isTransientMongoError,
    onWait: (error: unknown) => log.warn({ reason: String(error) }, 'MongoDB is away, its groups are waiting'),
    signal: stopping.signal,
  }
  const checked = partitionsFault(shared, keys.prefix, keys.partitions.length, { isRecording: false }).then(refuse)
  const prepare = async () => {
    refuse(await archivedPartitionsFault(collections.settings, keys.partitions.length))
    await ensureIndexes(collections)
  }
  const prepared = persist(() => bounded(2 * writeTimeoutMs, prepare()), waiting)
  const running: { group: string; lane: string; stats: LaneStats }[] = []
  const loops: Promise<void>[] = [
    prepared.catch(unlessStopping),
    checked
      .then(() =>
        watchPartitions(
          {
            redis: shared,
            keys,
            events: collections.events,
            settings: collections.settings,
            idempotencyWindowMs: options.idempotencyWindowMs,
            log,
          },
          stopping.signal,
        ),
      )
      .catch(unlessStopping),
  ]
  const pacers = new Map(groups.map((group) => [group, createPacer(options.hot?.dutyPercent)]))
  for (const [group, pacer] of pacers) {
    for (const kind of lanes) {
      for (let reader = 0; reader < (kind === 'global' ? concurrency : 1); reader++) {
        const effects = connect()
        const reading = connect()
        const projection = createProjection(group, kind === 'hot' ? collectionsOf(crowd.db) : collections, effects)
        const stats: LaneStats = { applied: 0, parked: 0, status: 'running' }
        running.push({ group, lane: kind, stats })
        const lane = {
          projection,
          redis: createConsumerRedis(reading, group, reader === 0 ? name : `${name}.${reader}`),
          streams: () => streamsOf(effects, keys, kind),
          options: {
            kind,
            batchSize: kind === 'hot' ? (options.hot?.batchSize ?? 100) : projection.acknowledges ? 200 : 1_000,
            inFlight: kind === 'hot' ? 1 : projection.acknowledges ? 2 : 3,
            lingerMs: lingerMs[kind][group],
            claimAfterMs: options.claimAfterMs ?? defaultClaimAfterMs,
          },
          pacer,
          takeReconnected: watchReconnects(reading),
          isTransient: (error: unknown) => isTransientMongoError(error) || isTransientRedisError(error),
          stats,
          log: log.child({ component: 'consumer', group, lane: kind }),
        }
        // The Redis models do not wait for MongoDB.
        loops.push(
          projection.acknowledges
            ? runLane(lane, stopping.signal)
            : prepared.then(() => runLane(lane, stopping.signal)).catch(unlessStopping),
        )
      }
    }
  }
  const [hasHot, hasOthers] = [lanes.includes('hot'), lanes.some((kind) => kind !== 'hot')]
  loops.push(shareCrowding({ redis: shared, keys, pacers, hasHot, hasOthers, log }, stopping.signal))
  if (options.hotspots) {
    const controller = { redis: shared, keys, limits: options.hotspots, log: log.child({ component: 'hotspots' }) }
    loops.push(checked.then(() => runController(controller, stopping.signal)).catch(unlessStopping))
  }
  if (groups.includes('likes') || groups.includes('counts'))
    loops.push(flushNumbers({ redis: shared, keys, comments: collections.comments, log }, stopping.signal))
  const ended = Promise.all(loops)
  let stopped: Promise<void> | undefined
  return {
    stats: () => running,
    failed: ended.then(() => new Promise<never>(() => {})),
    stop: () => (stopped ??= stop()),
  }

  function unlessStopping(error: unknown): void {
    if (!stopping.signal.aborted) throw error
  }

  async function stop(): Promise<void> {
    stopping.abort()
    const patience = new AbortController()
    const tooLong = delay(stopPatienceMs, undefined, { signal: patience.signal }).catch(() => {})
    await Promise.race([Promise.allSettled(loops), tooLong]) // a command to a Redis that is away waits for it for ever
    patience.abort()
    for (const redis of connections) redis.disconnect()
    await Promise.all([crowd.close(), others.close()])
  }
}

function refuse(fault: string | undefined): void {
  if (fault) throw new Error(fault)
}

/** Whether the connection was lost and made again since it was last asked. */
function watchReconnects(redis: Redis): () => boolean {
  let isLost = false
  let wasLost = false
  redis.on('close', () => (isLost = true))
  redis.on('ready', () => (wasLost ||= isLost))
  return () => {
    const answer = wasLost
    if (answer) wasLost = isLost = false
    return answer
  }
}

function createProjection(group: GroupName, collections: Collections, redis: Redis): Projection {
  switch (group) {
    case 'store':
      return createStore(collections)
    case 'counts':
      return createCounts(redis)
    case 'likes':
      return createLikes(redis)
    case 'feed':
      return createFeed(redis)
  }
}
