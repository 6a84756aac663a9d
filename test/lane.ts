import { type ConsumerRedis, createConsumerRedis } from '../src/consumers/consumer-redis.ts'
import type { LaneOptions } from '../src/consumers/lane-options.ts'
import { type Pacer, createPacer } from '../src/consumers/pacer.ts'
import { type LaneStats, runLane } from '../src/consumers/run-lane.ts'
import { streamsOf } from '../src/consumers/streams.ts'
import type { Projection } from '../src/projections/projection.ts'
import { connectRedis } from '../src/redis/connect.ts'
import { type Deployment, quiet } from './deployment.ts'

type Options = Partial<LaneOptions> & {
  consumer?: string
  pacer?: Pick<Pacer, 'observe' | 'restAfter'>
  isTransient?: (error: unknown) => boolean
  redis?: (redis: ConsumerRedis) => ConsumerRedis
}

/** One lane of one group, running on its own connection. */
export function startLane({ redisUrl, redis: shared, keys }: Deployment, projection: Projection, options: Options = {}) {
  const { consumer = 'c', kind = 'global', batchSize = 100, inFlight = 1, lingerMs = 0, claimAfterMs = 60_000 } = options
  const { pacer = createPacer(), isTransient = () => false, redis: wrap = (redis) => redis } = options
  const connection = connectRedis(redisUrl, 'consumer', quiet)
  const stopping = new AbortController()
  const stats: LaneStats = { applied: 0, parked: 0, status: 'running' }
  const lane = {
    projection,
    redis: wrap(createConsumerRedis(connection, projection.group, consumer)),
    streams: () => streamsOf(shared, keys, kind),
    options: { kind, batchSize, inFlight, lingerMs, claimAfterMs },
    pacer,
    takeReconnected: () => false,
    isTransient,
    stats,
    log: quiet,
  }
  const ended = runLane(lane, stopping.signal).finally(() => connection.disconnect())
  ended.catch(() => {})
  return {
    stats,
    /** Resolves or rejects as the lane does. */
    ended,
    abort: () => stopping.abort(),
    async stop() {
      stopping.abort()
      await ended.catch(() => {})
    },
  }
}

type Recorder = Projection & { batches: string[][] }

/** A read model that only remembers the ids of what it was given, batch by batch, and fails where it is told to. */
export function createRecorder(group: string, before: (ids: readonly string[]) => Promise<void> | void = () => {}): Recorder {
  const batches: string[][] = []
  return {
    group,
    acknowledges: false,
    batches,
    async apply(given) {
      const ids = given.flatMap(({ deliveries }) => deliveries.map(({ event }) => event.id))
      await before(ids)
      batches.push(ids)
    },
  }
}
