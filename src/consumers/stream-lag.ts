import type { Redis } from 'ioredis'
import { fieldsOf } from '../events/append.ts'
import { positionOfEntry } from '../events/position.ts'
import { type Info, consumerInfos, groupInfos, infoOf } from '../redis/info.ts'
import { serverMs } from '../redis/server-ms.ts'
import { groupState } from './group-state.ts'
import type { Stream } from './streams.ts'

/** One group on one stream; null is what cannot be known. */
export type StreamLag = {
  head: number
  position: number | null
  lagEvents: number | null
  /** Since the oldest event not delivered was written. */
  lagMs: number | null
  pending: number
  oldestPendingMs: number | null
  /** Names of those alive. */
  consumers: string[]
  /** MISSING: the group is not there. LOST: entries were trimmed before it had them. */
  fault?: 'UNKNOWN' | 'MISSING' | 'LOST' | undefined
}

type RawEntry = [id: string, flat: string[]]
type Top = { nowMs: number; head: number; lastId: string; firstOrdinal: number; exists: boolean; groups: Info[] }

/** A consumer asks at least every second, and says that it still works while it waits for a store. */
const aliveMs = 15_000

/**
 * The lag of each group on a stream, by group. Counted in our own `seq`: XINFO's lag is nil after a trim or a group set back, and a guess after
 * that. Five commands a stream and five a group at most, in three round trips, and again where a hot stream is retired meanwhile; commands of
 * all streams travel together.
 */
export async function readStreamLag(redis: Redis, stream: Stream, groups: readonly string[]): Promise<Map<string, StreamLag>> {
  const seen = await readTop(redis, stream)
  const lags = groups.map(async (group): Promise<[string, StreamLag]> => {
    const lag = await groupLag(redis, stream, group, seen)
    // A hot stream may be retired, and its topic promoted again, while it is read.
    if (!lag.fault || !stream.lane.startsWith('hot:')) return [group, lag]
    const state = await groupState(redis, stream, group)
    if (state === 'retired') return [group, { ...lag, ...caughtUp(lag.head), fault: undefined }]
    return [group, state === 'there' ? await groupLag(redis, stream, group, await readTop(redis, stream)) : lag]
  })
  return new Map(await Promise.all(lags))
}

async function readTop(redis: Redis, { key, partition, lane }: Stream): Promise<Top> {
  const [nowMs, seq, info, [top], groups] = await Promise.all([
    serverMs(redis),
    redis.hget(partition.meta, `seq:${lane}`),
    redis.xinfo('STREAM', key).then(infoOf, ifAbsent),
    redis.xrevrange(key, '+', '-', 'COUNT', 1) as Promise<RawEntry[]>,
    groupInfos(redis, key).catch(ifAbsent),
  ])
  return {
    nowMs,
    head: Math.max(Number(seq ?? 0), top ? seqOf(top) || 0 : 0),
    lastId: String(info?.['last-generated-id'] ?? '0-0'),
    firstOrdinal: Number(info?.['entries-added'] ?? 0) - Number(info?.['length'] ?? 0) + 1,
    exists: info !== undefined,
    groups: groups ?? [],
  }
}

async function groupLag(redis: Redis, { key }: Stream, group: string, seen: Top): Promise<StreamLag> {
  const info = seen.groups.find(({ name }) => name === group)
  return (info && (await lagOf(redis, key, group, info, seen).catch(ifAbsent))) ?? withoutGroup(seen.head, seen.exists)
}

async function lagOf(redis: Redis, key: string, group: string, info: Info, seen: Top): Promise<StreamLag> {
  const lastId = String(info['last-delivered-id'])
  const [[last], [next], [pending, oldestId], consumers] = await Promise.all([
    redis.xrange(key, lastId, lastId) as Promise<RawEntry[]>,
    redis.xrange(key, `(${lastId}`, '+', 'COUNT', 1) as Promise<RawEntry[]>,
    redis.xpending(key, group) as Promise<[number, string | null]>,
    consumerInfos(redis, key, group),
  ])
  const [oldest] = oldestId ? ((await redis.xrange(key, oldestId, oldestId)) as RawEntry[]) : []
  return {
    head: seen.head,
    ...undelivered(info, seen, last, next),
    pending,
    oldestPendingMs: oldestId ? Math.max(0, seen.nowMs - (oldest ? atOf(oldest) : Number(oldestId.split('-')[0]))) : null,
    consumers: consumers.filter(({ idle }) => Number(idle) < aliveMs).map(({ name }) => String(name)),
  }
}

/** Pure: what the group has not had, from the last entry it had, where that is still there, and the next one. */
function undelivered(info: Info, { head, nowMs, lastId, firstOrdinal }: Top, last: RawEntry | undefined, next: RawEntry | undefined) {
  const unknown = { position: null, lagEvents: null, lagMs: null }
  const delivered = String(info['last-delivered-id'])
  if (!next && positionOfEntry(delivered) < positionOfEntry(lastId)) return { ...unknown, fault: 'LOST' as const }
  if (!next) return caughtUp(head)
  const read = delivered === '0-0' ? 0 : info['entries-read']
  // The next entry tells where the group stands, unless entries between were trimmed: only the server's count of them can say.
  if (!last && read === null) return { ...unknown, fault: 'UNKNOWN' as const }
  if (!last && Number(read) + 1 < firstOrdinal) return { ...unknown, fault: 'LOST' as const }
  const position = last ? seqOf(last) : seqOf(next) - 1
  if (Number.isNaN(position)) return { ...unknown, fault: 'UNKNOWN' as const }
  return { position, lagEvents: Math.max(0, head - position), lagMs: Math.max(0, nowMs - atOf(next)) }
}

/** A stream that never had an entry is nobody's backlog; one that had some and is gone is. */
function withoutGroup(head: number, exists: boolean): StreamLag {
  const nothing = { head, pending: 0, oldestPendingMs: null, consumers: [] }
  if (head === 0 && !exists) return { ...nothing, ...caughtUp(0) }
  return { ...nothing, position: null, lagEvents: null, lagMs: null, fault: 'MISSING' }
}

const caughtUp = (head: number) => ({ position: head, lagEvents: 0, lagMs: 0 })

const seqOf = ([, flat]: RawEntry): number => Number(fieldsOf(flat)['seq'] ?? Number.NaN)
const atOf = ([id, flat]: RawEntry): number => Number(fieldsOf(flat)['at'] ?? id.split('-')[0])

function ifAbsent(error: Error): undefined {
  if (!/no such key|^NOGROUP/.test(error.message)) throw error
}
