import { setMaxListeners } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { type GroupName, groupNames } from '../events/groups.ts'
import { collectionsOf, ensureIndexes } from '../mongo/collections.ts'
import { bounded } from '../mongo/bounded.ts'
import { connectMongo, isTransientMongoError, writeTimeoutMs } from '../mongo/connect.ts'
import { archivedPartitionsFault } from '../mongo/partitions-setting.ts'
import { partitionsFault } from '../redis/check-server.ts'
import { connectRedis } from '../redis/connect.ts'
import type { HotspotLimits } from '../hotspot-limits.ts'
import type { Keys } from '../redis/keys.ts'
import { flushNumbers } from './flush-numbers.ts'
import { runController } from './hotspots/run-controller.ts'
import type { HotBudget } from './lane-options.ts'
import { createPacer } from './pacer.ts'
import { persist } from './persist.ts'
import type { LaneStats } from './run-lane.ts'
import { shareCrowding } from './share-crowding.ts'
import { startLanes } from './start-lanes.ts'
import { type LaneKind, laneKinds } from './streams.ts'
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

export type RunningConsumers = {
  stats(): { group: string; lane: string; stats: LaneStats }[]
  /** Resolves when every lane has finished its batch, or after 8 s. */
  stop(): Promise<void>
  /** Rejects when a lane stopped because a person has to act. */
  failed: Promise<never>
}

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

  const pacers = new Map(groups.map((group) => [group, createPacer(options.hot?.dutyPercent)]))
  const { hot, claimAfterMs, idempotencyWindowMs } = options
  const archives = { hot: collectionsOf(crowd.db), others: collections }
  const start = { connect, keys, name, lanes, concurrency, pacers, collections: archives, prepared, hot, claimAfterMs, log }
  const running = startLanes(start, stopping.signal)
  const { events, settings } = collections
  const partitions = { redis: shared, keys, events, settings, idempotencyWindowMs, log }
  const loops: Promise<void>[] = [
    prepared.catch(unlessStopping),
    checked.then(() => watchPartitions(partitions, stopping.signal)).catch(unlessStopping),
    ...running.map(({ ended }) => ended.catch(unlessStopping)),
  ]
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
    stats: () => running.map(({ group, lane, stats }) => ({ group, lane, stats })),
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
