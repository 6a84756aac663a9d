import type { Redis } from 'ioredis'
import { fieldsOf } from '../events/append.ts'
import type { Entry } from '../events/recorded.ts'
import { infosOf } from '../redis/info.ts'
import { luaFile } from '../redis/script.ts'
import { groupState } from './group-state.ts'
import type { Stream } from './streams.ts'

export type Delivered = { stream: Stream; entries: Entry[]; /** Delivered once, trimmed since: nothing to apply. */ trimmed: string[] }
type RawEntries = [id: string, flat: string[] | null][]

const acknowledgeArchivedText = luaFile(import.meta.url, 'acknowledge-archived.lua')
const parkText = luaFile(import.meta.url, '../redis/park.lua') + luaFile(import.meta.url, 'park.lua')

const delivered = (stream: Stream, raw: RawEntries): Delivered => ({
  stream,
  entries: raw.flatMap(([entryId, flat]) => (flat ? [{ lane: stream.lane, entryId, fields: fieldsOf(flat) }] : [])),
  trimmed: raw.flatMap(([entryId, flat]) => (flat ? [] : [entryId])),
})

/** Others have acknowledged what is in hand, and its stream is gone since: it is nobody's to claim. */
function unlessRetired(error: Error): void {
  if (!error.message.startsWith('NOGROUP')) throw error
}

/** What one consumer of a group asks of Redis. */
export function createConsumerRedis(redis: Redis, group: string, consumer: string) {
  redis.defineCommand('acknowledgeArchived', { lua: acknowledgeArchivedText, numberOfKeys: 2 })
  const acknowledgeArchived = (redis as unknown as Record<string, (...args: string[]) => Promise<unknown>>)['acknowledgeArchived']!.bind(
    redis,
  )
  async function read(streams: readonly Stream[], from: '0' | '>', count: number, blockMs?: number): Promise<Delivered[]> {
    const names = streams.map(({ key }) => key)
    const block = blockMs === undefined ? [] : ['BLOCK', blockMs]
    const args = ['GROUP', group, consumer, 'COUNT', count, ...block, 'STREAMS', ...names, ...names.map(() => from)]
    const reply = (await redis.call('XREADGROUP', ...args)) as [string, RawEntries][] | null
    const byKey = new Map(streams.map((stream) => [stream.key, stream]))
    return (reply ?? [])
      .map(([key, raw]) => delivered(byKey.get(key)!, raw))
      .filter(({ entries, trimmed }) => entries.length + trimmed.length > 0)
  }
  return {
    /** Delivered to this consumer before and not acknowledged: first of all after a start. */
    readOwnPending: (streams: readonly Stream[], count: number) => read(streams, '0', count),
    readNew: (streams: readonly Stream[], count: number, blockMs?: number) => read(streams, '>', count, blockMs),
    /** Takes over what others have had for `idleMs` without a sign of life. */
    async claim(stream: Stream, idleMs: number, count: number): Promise<Delivered> {
      const [, raw, gone] = (await redis.xautoclaim(stream.key, group, consumer, idleMs, '0', 'COUNT', count)) as [
        string,
        RawEntries,
        string[]?,
      ]
      const { entries, trimmed } = delivered(stream, raw)
      return { stream, entries, trimmed: [...trimmed, ...(gone ?? [])] }
    },
    /** Says that the entries in hand are still worked on, so that nobody claims them. */
    async keep({ stream, entries }: Delivered): Promise<void> {
      if (entries.length > 0)
        await redis.xclaim(stream.key, group, consumer, 0, ...entries.map(({ entryId }) => entryId), 'JUSTID').catch(unlessRetired)
    },
    async acknowledge(stream: Stream, entryIds: readonly string[]): Promise<void> {
      if (entryIds.length > 0) await redis.xack(stream.key, group, ...entryIds)
    },
    /** For a store whose effects are the same however often. What the log has lost since it was read is written to it again. */
    async acknowledgeArchived({ key, partition, lane }: Stream, entryIds: readonly string[]): Promise<void> {
      if (entryIds.length > 0) await acknowledgeArchived(key, partition.meta, lane, group, ...entryIds)
    },
    async park({ key, partition }: Stream, entryId: string, error: unknown): Promise<void> {
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
      await redis.eval(parkText, 2, key, partition.dead(group), group, entryId, reason.slice(0, 1_000))
    },
    /** Which of the streams lack the group: reading any of them would fail for all. */
    async withoutGroup(streams: readonly Stream[]): Promise<Set<string>> {
      const pipeline = redis.pipeline()
      for (const { key } of streams) pipeline.xinfo('GROUPS', key)
      const replies = (await pipeline.exec()) ?? []
      return new Set(
        streams.flatMap(({ key }, i) => {
          const [error, groups] = replies[i] ?? [new Error('no reply'), []]
          return !error && infosOf(groups).some(({ name }) => name === group) ? [] : [key]
        }),
      )
    },
    createGroup: (stream: Stream) => redis.xgroup('CREATE', stream.key, group, '0').catch(() => undefined),
    /** Why a stream seems to lack the group. */
    groupState: (stream: Stream) => groupState(redis, stream, group),
  }
}
export type ConsumerRedis = ReturnType<typeof createConsumerRedis>
