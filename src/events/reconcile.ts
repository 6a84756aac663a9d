import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Collection } from 'mongodb'
import type { Logger } from 'pino'
import { type EventDocument, type SettingDocument, archiveKey } from '../mongo/collections.ts'
import { bounded } from '../mongo/bounded.ts'
import { readTimeoutMs } from '../mongo/connect.ts'
import type { PartitionKeys } from '../redis/keys.ts'
import { luaFile } from '../redis/script.ts'
import { appendScript, fieldsOf } from './append.ts'
import { groupNames } from './groups.ts'
import { bucketsAt, recognisedMs, unkeyedField } from './idempotency.ts'
import { entryAt, positionOfEntry } from './position.ts'
import { originOf } from './recorded.ts'

const [beginText, openText, appendText] = ['reconcile-begin.lua', 'reconcile-open.lua', 'reconcile-append.lua'].map((name) =>
  luaFile(import.meta.url, name),
) as [string, string, string]

export type ReconcileDependencies = {
  redis: Redis
  events: Collection<EventDocument>
  settings: Collection<SettingDocument>
  idempotencyWindowMs: number
  log: Logger
}

const leaseMs = 10_000
/** How far ahead the clock is set when the archive cannot be asked: above what a server with a clock that much ahead had issued. */
const blindRaiseMs = 60_000

/**
 * Opens a partition whose server forgot the append script or its term: after a restart, a promotion, FLUSHALL. Writes again what the archive
 * holds and no stream does, raises the clock above it, then loads the script of the next term. One process does it, by lease; the others wait.
 * Safe to run at any time and to die anywhere in. Resolves with the term in force.
 */
export async function reconcile(dependencies: ReconcileDependencies, partition: PartitionKeys, failedTerm?: number): Promise<number> {
  const { redis, log } = dependencies
  const token = randomUUID()
  for (;;) {
    const term = await openTerm(redis, partition)
    if (isLater(term, failedTerm)) return term
    if (await redis.set(partition.lease, token, 'PX', leaseMs, 'NX')) break
    await delay(50)
  }
  const lease = holdLease(redis, partition, token)
  try {
    const term = await openTerm(redis, partition)
    if (isLater(term, failedTerm)) return term
    return await openNextTerm(dependencies, partition, token, failedTerm)
  } catch (error) {
    log.warn({ partition: partition.partition, reason: String(error) }, 'reconcile did not finish')
    throw error
  } finally {
    await lease.release()
  }
}

const isLater = (term: number | undefined, failedTerm: number | undefined): term is number =>
  term !== undefined && (failedTerm === undefined || term > failedTerm)

/** Writes again what is missing in an open partition: opened while MongoDB was away, or archived later than it was opened. */
export async function reconcileLater(dependencies: ReconcileDependencies, partition: PartitionKeys): Promise<void> {
  const { redis } = dependencies
  const token = randomUUID()
  if (!(await redis.set(partition.lease, token, 'PX', leaseMs, 'NX'))) return
  const lease = holdLease(redis, partition, token)
  try {
    const term = Number(await redis.hget(partition.meta, 'term'))
    if (!term) return
    const [from, to, lateFrom, lateTo, lateSeen] = await redis.hmget(partition.meta, 'lostFrom', 'lostTo', 'lateFrom', 'lateTo', 'lateSeen')
    if (from && to) {
      await appendMissing(dependencies, partition, { token, term, from, to, clock: to })
      await redis.eval(markText, 2, partition.rebuilding, partition.lane('priority'))
    }
    if (lateFrom && lateTo)
      await appendMissing(dependencies, partition, { token, term, from: entryBefore(lateFrom), to: lateTo, clock: lateTo })
    if (to) await redis.eval(forgetText, 1, partition.meta, 'lostTo', to, 'lostFrom', 'lostTo')
    if (lateSeen) await redis.eval(forgetText, 1, partition.meta, 'lateSeen', lateSeen, 'lateFrom', 'lateTo', 'lateSeen')
  } finally {
    await lease.release()
  }
}

/** Whether the Redis models have read all that was written again to an emptied server; if so they are served from then on. */
export async function finishRebuilding(redis: Redis, partition: PartitionKeys): Promise<boolean> {
  const until = await redis.get(partition.rebuilding)
  if (!until || until === 'later') return until === null
  const groups = (await redis.xinfo('GROUPS', partition.lane('priority'))) as (string | number)[][]
  for (const flat of groups) {
    const {
      name,
      pending,
      'last-delivered-id': delivered,
    } = Object.fromEntries(flat.flatMap((value, i) => (i % 2 === 0 ? [[value, flat[i + 1]]] : []))) as Record<string, unknown>
    if (name === 'store') continue
    if (laterEntry(String(delivered), until) !== String(delivered)) return false
    const [, oldest] =
      Number(pending) > 0 ? ((await redis.xpending(partition.lane('priority'), String(name))) as [number, string | null]) : []
    if (oldest && laterEntry(until, oldest) === until) return false
  }
  // Unless the server was emptied once more meanwhile.
  await redis.eval(`if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`, 1, partition.rebuilding, until)
  return true
}

const termOf = (partition: PartitionKeys) => ({ _id: `term/${partition.partition}` })

async function recordedTerm({ settings }: ReconcileDependencies, partition: PartitionKeys): Promise<number> {
  return Number((await bounded(readTimeoutMs, settings.findOne(termOf(partition))))?.value ?? 0)
}

async function recordTerm({ settings }: ReconcileDependencies, partition: PartitionKeys, term: number): Promise<void> {
  const durable = { upsert: true, writeConcern: { w: 'majority', journal: true } } as const
  await bounded(readTimeoutMs, settings.updateOne(termOf(partition), { $max: { value: term } }, durable))
}

/** The term of a partition that takes appends: it is in meta and the server knows its script. */
export async function openTerm(redis: Redis, partition: PartitionKeys): Promise<number | undefined> {
  const term = await redis.hget(partition.meta, 'term')
  if (!term) return undefined
  const [isKnown] = (await redis.script('EXISTS', appendScript(partition.tag, Number(term)).sha)) as number[]
  return isKnown ? Number(term) : undefined
}

function holdLease(redis: Redis, { lease }: PartitionKeys, token: string) {
  const ifOurs = (action: string) => `if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call(${action}) end`
  const renewal = setInterval(() => void redis.eval(ifOurs(`'PEXPIRE', KEYS[1], ${leaseMs}`), 1, lease, token).catch(() => {}), leaseMs / 4)
  return {
    async release() {
      clearInterval(renewal)
      await redis.eval(ifOurs(`'DEL', KEYS[1]`), 1, lease, token).catch(() => {})
    },
  }
}

async function openNextTerm(
  dependencies: ReconcileDependencies,
  partition: PartitionKeys,
  token: string,
  failedTerm: number | undefined,
): Promise<number> {
  const { redis, events, log } = dependencies
  const { meta, lease, hotspots, groups, lane, hot } = partition
  const startedMs = Date.now()
  const begun = await redis.eval(
    beginText,
    6,
    meta,
    lease,
    hotspots,
    groups,
    lane('global'),
    lane('priority'),
    token,
    hot(''),
    ...groupNames,
  )
  const [wasOpen, lastTerm, clock, streamsTop, from] = begun as [number, string, string, string, string]
  const top = await archiveTop(events, partition.partition).catch((error: unknown) => {
    log.warn({ partition: partition.partition, reason: String(error) }, 'the archive cannot be asked, reconciling later')
    return undefined
  })
  const nowMs = Date.now()
  const recorded = await recordedTerm(dependencies, partition).catch(() => undefined)
  // Versions made of terms must never repeat, so each is recorded before it opens. Where MongoDB cannot tell, the seconds since 1970 are above all.
  const atLeast = top && recorded !== undefined ? recorded : Math.floor(nowMs / 1_000)
  const term = Math.max(Number(lastTerm), failedTerm ?? 0, top?.term ?? 0, atLeast) + 1
  await recordTerm(dependencies, partition, term).catch(() => {}) // the next one is then counted from the clock
  const issued = laterEntry(clock, streamsTop)
  const raised = laterEntry(issued, top ? laterEntry(top.entryId, `${nowMs}-0`) : `${nowMs + blindRaiseMs}-0`)
  const rewritten = top ? await appendMissing(dependencies, partition, { token, term, from, to: raised, clock: raised }) : 0
  const script = appendScript(partition.tag, term)
  await redis.script('LOAD', script.text)
  // An emptied server lost its models: they are whole again when they have read what was written again, by this run or one that died.
  const rebuilding = wasOpen ? '' : !top ? 'later' : top.entryId === '0-0' ? '' : 'now'
  await redis.eval(openText, 4, meta, lease, partition.rebuilding, lane('priority'), token, term, raised, top ? 'yes' : '', rebuilding)
  log.info(
    { partition: partition.partition, term, rewritten, tookMs: Date.now() - startedMs, compared: top !== undefined },
    'partition opened',
  )
  return term
}

async function archiveTop(events: Collection<EventDocument>, partition: number) {
  const range = { $gte: archiveKey(partition, ''), $lt: archiveKey(partition, '~') }
  const [last, seen] = await Promise.all([
    events.find({ _id: range }).sort({ _id: -1 }).limit(1).next(),
    events.find({ seen: range }).sort({ seen: -1 }).limit(1).next(),
  ])
  const positionIn = (key: string | undefined) => (key ? entryAt(key.split('/')[1]!) : '0-0')
  return { term: Math.max(last?.term ?? 0, seen?.term ?? 0), entryId: laterEntry(positionIn(last?._id), positionIn(seen?.seen)) }
}

const laterEntry = (a: string, b: string): string => (positionOfEntry(a) > positionOfEntry(b) ? a : b)

/** Just below: ranges begin after an entry. */
const entryBefore = (entryId: string): string => `${Number(entryId.split('-')[0]) - 1}-999999`

/** Forgets fields unless the first one, which says which version was read, has changed: a consumer may have added to them. */
const forgetText = `if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], unpack(ARGV, 3)) end`

/** From `later` to the last entry of `priority`, where all that is written again stands; nothing there: the models are whole. */
const markText = `if redis.call('GET', KEYS[1]) ~= 'later' then return end
  local info, last = redis.call('XINFO', 'STREAM', KEYS[2]), '0-0'
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
  if last == '0-0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], last) end`

type Range = { token: string; term: number; from: string; to: string; clock: string }

async function appendMissing(dependencies: ReconcileDependencies, partition: PartitionKeys, range: Range): Promise<number> {
  const { redis, events } = dependencies
  const from = positionOfEntry(range.from)
  const key = { $gt: archiveKey(partition.partition, `${from}~`), $lte: archiveKey(partition.partition, `${positionOfEntry(range.to)}~`) }
  const rewritten = await originsAbove(redis, partition, range.from)
  const nowMs = await serverMs(redis)
  let count = 0
  // Two scans of two indexes: one query with $or would sort everything before its first document.
  for (const filter of [{ _id: key }, { seen: key }] as const) {
    for await (const page of pagesOf(events.find(filter).batchSize(500), 500)) {
      const held = await holdingEntries(redis, partition, page)
      const lacking = page.filter((document, i) => !held[i] && !rewritten.has(originOf(placeOf(document))))
      // Sent together, run in order: one at a time each would wait for an fsync of its own (514 events: 4.4 s).
      await Promise.all(lacking.map((document) => appendAgain(dependencies, partition, range, document, nowMs)))
      for (const document of lacking) rewritten.add(originOf(placeOf(document)))
      count += lacking.length
    }
  }
  return count
}

/** The clock that idempotency records go by. */
async function serverMs(redis: Redis): Promise<number> {
  const [seconds, microseconds] = await redis.time()
  return Number(seconds) * 1_000 + Math.floor(Number(microseconds) / 1_000)
}

async function* pagesOf<T>(items: AsyncIterable<T>, size: number): AsyncIterable<T[]> {
  let page: T[] = []
  for await (const item of items) {
    page.push(item)
    if (page.length === size) {
      yield page
      page = []
    }
  }
  if (page.length > 0) yield page
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

async function holdingEntries(redis: Redis, partition: PartitionKeys, page: readonly EventDocument[]): Promise<boolean[]> {
  const pipeline = redis.pipeline()
  for (const document of page) {
    const entry = entryAt(placeOf(document).position)
    pipeline.xrange(partition.lane(document.lane), entry, entry)
  }
  const replies = (await pipeline.exec()) ?? []
  return replies.map(([error, found], i) => {
    if (error) throw error
    return (found as [string, string[]][]).some(([, flat]) => fieldsOf(flat)['id'] === page[i]!.id)
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
  const [field = '', request = ''] = isUnkeyed ? [unkeyedField(id)] : key.split(':')
  const place = placeOf(document)
  const windowMs = recognisedMs(idempotencyWindowMs, isUnkeyed)
  // Where its sender looks: by the time now with a key, by the time it was first sent without.
  const [bucket, , keepMs] = bucketsAt(isUnkeyed ? at.getTime() : nowMs, windowMs, field, isUnkeyed)
  const isRecognised = nowMs < at.getTime() + windowMs * 1.5
  const fields = { id, type, v, topic, actor, at: at.getTime(), cid, key, data, origin: originOf(place) }
  await redis.eval(
    appendText,
    4,
    ...[partition.meta, partition.lease, partition.lane('priority'), partition.idempotency(bucket)],
    ...[token, term, clock, place.lane, place.seq, isRecognised ? field : '', request, keepMs],
    ...Object.entries(fields).flat(),
  )
}
