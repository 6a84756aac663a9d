import type { Redis } from 'ioredis'
import type { FindCursor } from 'mongodb'
import { type EventDocument, archiveKey } from '../mongo/collections.ts'
import { bounded } from '../mongo/bounded.ts'
import { writeTimeoutMs } from '../mongo/connect.ts'
import type { PartitionKeys } from '../redis/keys.ts'
import { luaFile } from '../redis/script.ts'
import { serverMs } from '../redis/server-ms.ts'
import { fieldsOf } from './append.ts'
import { bucketsAt, isRecorded, recognisedMs, unkeyedField } from './idempotency.ts'
import { entryAt, positionOfEntry } from './position.ts'
import type { ReconcileDependencies } from './reconcile.ts'
import { originOf } from './recorded.ts'

const appendText = luaFile(import.meta.url, 'reconcile-append.lua')

/** Events after `from` up to `to` (entry ids), written again above `clock` by the holder of the lease. */
export type Range = { token: string; term: number; from: string; to: string; clock: string }

/** Writes to `priority` what the archive has of the range and no stream holds, with its origin. Resolves with how many. */
export async function appendMissing(dependencies: ReconcileDependencies, partition: PartitionKeys, range: Range): Promise<number> {
  const { redis, events } = dependencies
  const from = positionOfEntry(range.from)
  const key = { $gt: archiveKey(partition.partition, `${from}~`), $lte: archiveKey(partition.partition, `${positionOfEntry(range.to)}~`) }
  const rewritten = await originsAbove(redis, partition, range.from)
  const gaps = await gapsOf(redis, partition)
  const nowMs = await serverMs(redis) // the clock that idempotency records go by
  let count = 0
  // Two scans of two indexes: one query with $or would sort everything before its first document.
  for (const filter of [{ _id: key }, { seen: key }] as const) {
    for await (const page of pagesOf(events.find(filter).batchSize(500))) {
      const held = await holdingEntries(redis, partition, page, gaps)
      const lacking = page.filter((document, i) => !held[i] && !rewritten.has(originOf(placeOf(document))))
      // Sent together, run in order: one at a time each would wait for an fsync of its own (514 events: 4.4 s).
      await Promise.all(lacking.map((document) => appendAgain(dependencies, partition, range, document, nowMs)))
      for (const document of lacking) rewritten.add(originOf(placeOf(document)))
      count += lacking.length
    }
  }
  return count
}

/** Each page is waited for with a bound: the lease is renewed meanwhile, and the partition takes no append. */
async function* pagesOf<T>(cursor: FindCursor<T>): AsyncIterable<T[]> {
  try {
    while (await bounded(writeTimeoutMs, cursor.hasNext())) yield cursor.readBufferedDocuments()
  } finally {
    void cursor.close().catch(() => {})
  }
}

type Gap = { from: string; to: string }

/** Positions that openings skipped, after `from` up to `to`: what stood there was lost, never trimmed. */
async function gapsOf(redis: Redis, { meta }: PartitionKeys): Promise<Gap[]> {
  const fields = Object.entries(await redis.hgetall(meta)).filter(([field]) => field.startsWith('gap:'))
  return fields.map(([field, from]) => ({ from: positionOfEntry(from), to: positionOfEntry(field.slice('gap:'.length)) }))
}

const placeOf = ({ _id, lane, term, seq }: EventDocument) => ({ lane, term, seq, position: _id.split('/')[1]! })

/** Origins of the entries above one: what an earlier run, or another process, has written again. */
async function originsAbove(redis: Redis, partition: PartitionKeys, entryId: string): Promise<Set<string>> {
  const origins = new Set<string>()
  for (let after = entryId; ;) {
    const page = await redis.xrange(partition.lane('priority'), `(${after}`, '+', 'COUNT', 1_000)
    for (const [, flat] of page) {
      const { origin } = fieldsOf(flat)
      if (origin) origins.add(origin)
    }
    if (page.length < 1_000) return origins
    after = page.at(-1)![0]
  }
}

/** Which of the events a stream holds, or held until it was trimmed. */
async function holdingEntries(
  redis: Redis,
  partition: PartitionKeys,
  page: readonly EventDocument[],
  gaps: readonly Gap[],
): Promise<boolean[]> {
  const pipeline = redis.pipeline()
  for (const document of page) {
    const entry = entryAt(placeOf(document).position)
    // The floor after the entry: a stream that is retired between is not there, and its floor is.
    pipeline.xrange(partition.lane(document.lane), entry, entry).hget(partition.meta, `floor:${document.lane}`)
  }
  const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error
    return reply
  })
  return page.map((document, i) => {
    const [found, floor] = [replies[2 * i] as [string, string[]][], replies[2 * i + 1] as string | null]
    const { position } = placeOf(document)
    const wasSkipped = gaps.some(({ from, to }) => position > from && position <= to)
    const isTrimmed = floor !== null && position <= positionOfEntry(floor) && !wasSkipped
    return isTrimmed || found.some(([, flat]) => fieldsOf(flat)['id'] === document.id)
  })
}

async function appendAgain(
  { redis, idempotencyWindowMs }: ReconcileDependencies,
  partition: PartitionKeys,
  { token, term, clock }: Range,
  document: EventDocument,
  nowMs: number,
): Promise<void> {
  const { id, type, v, topic, actor, at, cid, key, data } = document
  const isUnkeyed = key === ''
  const [field = '', request = ''] = isUnkeyed ? [isRecorded(type) ? unkeyedField(id) : ''] : key.split(':')
  const place = placeOf(document)
  const windowMs = recognisedMs(idempotencyWindowMs, isUnkeyed)
  // Where its sender looks: by the time now with a key, by the time it was first sent without.
  const { buckets, keepMs } = bucketsAt(isUnkeyed ? at.getTime() : nowMs, windowMs, field, isUnkeyed)
  const isRecognised = nowMs < at.getTime() + windowMs * 1.5
  const fields = { id, type, v, topic, actor, at: at.getTime(), cid, key, data, origin: originOf(place) }
  await redis.eval(
    appendText,
    4,
    ...[partition.meta, partition.lease, partition.lane('priority'), partition.idempotency(buckets[0]!)],
    ...[token, term, clock, place.lane, place.seq, isRecognised ? field : '', request, keepMs],
    ...Object.entries(fields).flat(),
  )
}
