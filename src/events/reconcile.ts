import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Collection } from 'mongodb'
import type { Logger } from 'pino'
import { type EventDocument, type SettingDocument, archiveKey } from '../mongo/collections.ts'
import { bounded } from '../mongo/bounded.ts'
import { readTimeoutMs, writeTimeoutMs } from '../mongo/connect.ts'
import type { PartitionKeys } from '../redis/keys.ts'
import { luaFile } from '../redis/script.ts'
import { appendScript } from './append.ts'
import { appendMissing } from './append-missing.ts'
import { groupNames } from './groups.ts'
import { entryAt, laterEntry } from './position.ts'
import { markRebuilding } from './rebuilding.ts'

const beginText = luaFile(import.meta.url, 'reconcile-begin.lua')
const openText = luaFile(import.meta.url, 'reconcile-open.lua')

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
      await recordTerm(dependencies, partition, term) // it was opened without
      await appendMissing(dependencies, partition, { token, term, from, to, clock: to })
      await markRebuilding(redis, partition, token)
    }
    if (lateFrom && lateTo)
      await appendMissing(dependencies, partition, { token, term, from: entryBefore(lateFrom), to: lateTo, clock: lateTo })
    if (to) await redis.eval(forgetText, 1, partition.meta, 'lostTo', to, 'lostFrom', 'lostTo')
    if (lateSeen) await redis.eval(forgetText, 1, partition.meta, 'lateSeen', lateSeen, 'lateFrom', 'lateTo', 'lateSeen')
  } finally {
    await lease.release()
  }
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
    7,
    meta,
    lease,
    hotspots,
    groups,
    lane('global'),
    lane('priority'),
    partition.rebuilding,
    token,
    hot(''),
    ...groupNames,
  )
  const [lastTerm, clock, streamsTop, from] = begun as [string, string, string, string]
  const top = await bounded(writeTimeoutMs, archiveTop(events, partition.partition)).catch((error: unknown) => {
    log.warn({ partition: partition.partition, reason: String(error) }, 'the archive cannot be asked, reconciling later')
    return undefined
  })
  const nowMs = Date.now()
  const recorded = await recordedTerm(dependencies, partition).catch(() => undefined)
  // Versions made of terms must never repeat, so each is recorded before it opens. Where MongoDB cannot tell, the seconds since 1970 are above all.
  const atLeast = top && recorded !== undefined ? recorded : Math.floor(nowMs / 1_000)
  const term = Math.max(Number(lastTerm), failedTerm ?? 0, top?.term ?? 0, atLeast) + 1
  await recordTerm(dependencies, partition, term).catch(() => {}) // the next one is then counted from the clock
  // The next ms: a clock that is ahead of the time stands still while it counts, and what it issued last may be lost here and in a consumer's hands.
  const issued = laterEntry(laterEntry(clock, streamsTop), top?.entryId ?? '0-0')
  const raised = laterEntry(`${Number(issued.split('-')[0]) + 1}-0`, `${top ? nowMs : nowMs + blindRaiseMs}-0`)
  const isNoted = await redis.eval(noteGapText, 2, meta, lease, token, streamsTop, raised)
  if (!isNoted) throw new Error('LEASE lost')
  const rewritten = top ? await appendMissing(dependencies, partition, { token, term, from, to: raised, clock: raised }) : 0
  if (top) await markRebuilding(redis, partition, token)
  const script = appendScript(partition.tag, term)
  await redis.script('LOAD', script.text)
  await redis.eval(openText, 2, meta, lease, token, term, raised, top ? 'yes' : '')
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

/** Positions that this opening skips, before anything is written above them: see `gapsOf`. */
const noteGapText = `if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end redis.call('HSET', KEYS[1], 'gap:' .. ARGV[3], ARGV[2]) return 1`

/** Just below: ranges begin after an entry. */
const entryBefore = (entryId: string): string => `${Number(entryId.split('-')[0]) - 1}-999999`

/** Forgets fields unless the first one, which says which version was read, has changed: a consumer may have added to them. */
const forgetText = `if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then redis.call('HDEL', KEYS[1], unpack(ARGV, 3)) end`
