import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { GroupName } from '../events/groups.ts'
import type { Collections } from '../mongo/collections.ts'
import { isTransientMongoError } from '../mongo/connect.ts'
import { createCounts } from '../projections/counts.ts'
import { createFeed } from '../projections/feed.ts'
import { createLikes } from '../projections/likes.ts'
import type { Projection } from '../projections/projection.ts'
import { createStore } from '../projections/store.ts'
import { isTransientRedisError } from '../redis/connect.ts'
import type { Keys } from '../redis/keys.ts'
import { createConsumerRedis } from './consumer-redis.ts'
import { type HotBudget, laneOptions } from './lane-options.ts'
import type { Pacer } from './pacer.ts'
import { type Lane, type LaneStats, runLane } from './run-lane.ts'
import { type LaneKind, streamsOf } from './streams.ts'

export type StartLanes = {
  connect(): Redis
  keys: Keys
  /** The consumer's; further readers of a lane add a number. */
  name: string
  lanes: readonly LaneKind[]
  /** Readers of the global lane of each group. */
  concurrency: number
  /** By group. */
  pacers: ReadonlyMap<GroupName, Pacer>
  /** The hot lane has connections to MongoDB of its own. */
  collections: { hot: Collections; others: Collections }
  /** When the store may begin; the Redis models do not wait for MongoDB. */
  prepared: Promise<void>
  hot?: HotBudget
  claimAfterMs?: number
  log: Logger
}

export type RunningLane = { group: string; lane: string; stats: LaneStats; /** Rejects as `runLane` does. */ ended: Promise<void> }

/** Every lane of every group in loops of its own with connections of its own, until `signal` aborts. */
export function startLanes(start: StartLanes, signal: AbortSignal): RunningLane[] {
  const { lanes, concurrency, pacers } = start
  return [...pacers.keys()].flatMap((group) =>
    lanes.flatMap((kind) =>
      Array.from({ length: kind === 'global' ? concurrency : 1 }, (_, reader): RunningLane => {
        const lane = createLane(start, group, kind, reader)
        const ended = lane.projection.acknowledges ? runLane(lane, signal) : start.prepared.then(() => runLane(lane, signal))
        return { group, lane: kind, stats: lane.stats, ended }
      }),
    ),
  )
}

function createLane(start: StartLanes, group: GroupName, kind: LaneKind, reader: number): Lane {
  const { connect, keys, name, pacers, collections, log } = start
  const effects = connect()
  const reading = connect()
  return {
    projection: createProjection(group, kind === 'hot' ? collections.hot : collections.others, effects),
    redis: createConsumerRedis(reading, group, reader === 0 ? name : `${name}.${reader}`),
    streams: () => streamsOf(effects, keys, kind),
    options: laneOptions(kind, group, start),
    pacer: pacers.get(group)!,
    takeReconnected: watchReconnects(reading),
    isTransient: (error) => isTransientMongoError(error) || isTransientRedisError(error),
    stats: { applied: 0, parked: 0, status: 'running' },
    log: log.child({ component: 'consumer', group, lane: kind }),
  }
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
