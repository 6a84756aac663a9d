import type { Redis } from 'ioredis'
import { groupNames } from '../events/groups.ts'
import type { Keys } from '../redis/keys.ts'
import { type StreamLag, readStreamLag } from './stream-lag.ts'
import { type LaneKind, laneKinds, streamsOf } from './streams.ts'

/** In capitals what a person has to look at. From best to worst. */
export const lagStatuses = ['ok', 'no consumer', 'catching up', 'stalled', 'UNKNOWN', 'MISSING', 'LOST'] as const
export type LagStatus = (typeof lagStatuses)[number]

/** How far one group is behind the log in one lane, over all its streams. */
export type GroupLag = {
  group: string
  lane: LaneKind
  streams: number
  /** Events ever appended. */
  head: number
  /** Events delivered; null where it cannot be known. */
  position: number | null
  /** Events not delivered yet. Those delivered and not acknowledged are `pending`. */
  lagEvents: number | null
  pending: number
  /** Since the oldest pending event was written. */
  oldestPendingMs: number | null
  /** Since the oldest event not delivered yet was written. */
  lagMs: number | null
  /** Consumers that gave a sign of life within 15 s. */
  consumers: number
  status: LagStatus
}

/** A batch may wait for MongoDB for 10 s. An event that has been pending longer than this waits for something that is away. */
const stalledAfterMs = 15_000

/** Rows by group and lane, of the groups that the registry names. */
export async function readLag(redis: Redis, keys: Keys, groups?: readonly string[]): Promise<GroupLag[]> {
  const named = groups ?? (await registeredGroups(redis, keys))
  const lanes = await Promise.all(
    laneKinds.map(async (lane) => {
      const streams = await streamsOf(redis, keys, lane)
      return { lane, lags: await Promise.all(streams.map((stream) => readStreamLag(redis, stream, named))) }
    }),
  )
  return named.flatMap((group) =>
    lanes.map(({ lane, lags }) =>
      rowOf(
        group,
        lane,
        lags.map((ofStream) => ofStream.get(group)!),
      ),
    ),
  )
}

async function registeredGroups(redis: Redis, keys: Keys): Promise<string[]> {
  const pipeline = redis.pipeline()
  for (const { groups } of keys.partitions) pipeline.smembers(groups)
  const replies = (await pipeline.exec()) ?? []
  const named = new Set(replies.flatMap(([error, members]) => (error ? [] : (members as string[]))))
  const known: readonly string[] = groupNames
  return named.size === 0
    ? [...known]
    : [...known.filter((group) => named.has(group)), ...[...named].filter((group) => !known.includes(group)).sort()]
}

function rowOf(group: string, lane: LaneKind, streams: readonly StreamLag[]): GroupLag {
  const sum = (numbers: (number | null)[]) => (numbers.includes(null) ? null : numbers.reduce<number>((total, n) => total + n!, 0))
  const longest = (numbers: (number | null)[]) => numbers.reduce((a, b) => (a === null || b === null ? (a ?? b) : Math.max(a, b)), null)
  const row = {
    group,
    lane,
    streams: streams.length,
    head: sum(streams.map(({ head }) => head)) ?? 0,
    position: sum(streams.map(({ position }) => position)),
    lagEvents: sum(streams.map(({ lagEvents }) => lagEvents)),
    pending: sum(streams.map(({ pending }) => pending)) ?? 0,
    oldestPendingMs: longest(streams.map(({ oldestPendingMs }) => oldestPendingMs)),
    lagMs: streams.some(({ lagMs }) => lagMs === null) ? null : (longest(streams.map(({ lagMs }) => lagMs)) ?? 0),
    consumers: new Set(streams.flatMap(({ consumers }) => consumers)).size,
  }
  return { ...row, status: worst([statusOf(row), ...streams.flatMap(({ fault }) => fault ?? [])]) }
}

const worst = (statuses: readonly LagStatus[]): LagStatus =>
  lagStatuses[Math.max(...statuses.map((status) => lagStatuses.indexOf(status)))]!

function statusOf({ streams, lagEvents, pending, oldestPendingMs, consumers }: Omit<GroupLag, 'status'>): LagStatus {
  if (lagEvents === null) return 'UNKNOWN'
  if (lagEvents + pending === 0) return consumers > 0 || streams === 0 ? 'ok' : 'no consumer'
  return consumers === 0 || (oldestPendingMs ?? 0) > stalledAfterMs ? 'stalled' : 'catching up'
}
