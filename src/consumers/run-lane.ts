import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UnknownVersionError } from '../events/define-event.ts'
import type { Projection } from '../projections/projection.ts'
import { applyBatch } from './apply-batch.ts'
import type { ConsumerRedis, Delivered } from './consumer-redis.ts'
import type { Pacer } from './pacer.ts'
import { backoffMs } from './persist.ts'
import { type Portions, createPortions, shareOf } from './portions.ts'
import type { LaneKind, Stream } from './streams.ts'

export type LaneOptions = {
  kind: LaneKind
  /** Entries a batch, at most: more make one script hold Redis up (append p99 7 ms at 200, 30 ms at 2,000). */
  batchSize: number
  /** Batches applied at once: the store works on one while the next is prepared. The hot lane has one. */
  inFlight: number
  /** How long the first entries wait for company, ms: one at a time costs ten times the CPU at 1,000 a second. */
  lingerMs: number
  /** An entry that its consumer has not touched for this long is taken over, ms. */
  claimAfterMs: number
}

export type LaneStats = { applied: number; parked: number; status: 'running' | 'waiting for a store' | 'stopped'; reason?: string }

export type Lane = {
  projection: Projection
  redis: ConsumerRedis
  streams(): Promise<Stream[]>
  options: LaneOptions
  pacer: Pick<Pacer, 'observe' | 'restAfter'>
  /** True once after the connection was lost: an answer may have been lost with it, and its entries are pending. */
  takeReconnected(): boolean
  isTransient(error: unknown): boolean
  stats: LaneStats
  log: Logger
}

/** The group of a Redis model is gone while its partition is open: making it again would count twice. The model must be rebuilt. */
export class GroupLostError extends Error {
  override readonly name = 'GroupLostError'
}

const blockMs = { priority: 1_000, global: 1_000, hot: 500 } as const
/** How soon a promoted topic's stream, or a partition that was closed, is read, ms. */
const refreshMs = 500
/** So many hot streams may be retired one right after the other, each between two commands, before that is worth a warning and a wait. */
const quietRetirements = 5

/**
 * Reads one lane of one group: own pending entries first, then those of dead consumers, then new ones. At least once: acknowledged only after
 * the effect. Ends, with its batch finished, when `signal` aborts; rejects when a person has to act (UnknownVersionError, GroupLostError).
 */
export async function runLane(lane: Lane, signal: AbortSignal): Promise<void> {
  const portions = createPortions(lane.options.batchSize)
  let isRecovering = true
  let failures = 0
  let nextClaimMs = 0
  let streams: Stream[] = []
  let refreshAtMs = 0
  while (!signal.aborted) {
    try {
      if (lane.takeReconnected()) isRecovering = true
      if (Date.now() >= refreshAtMs) {
        const readable = await readableStreams(lane)
        streams = readable.streams
        refreshAtMs = lane.options.kind === 'hot' || !readable.isComplete ? Date.now() + refreshMs : Infinity
      }
      const waitMs = Math.min(blockMs[lane.options.kind], Math.max(0, refreshAtMs - Date.now()) + 1)
      if (streams.length === 0) await delay(waitMs, undefined, { signal })
      else if (isRecovering) isRecovering = await applyOwnPending(lane, streams, signal)
      else if (Date.now() >= nextClaimMs) {
        await applyClaimed(lane, streams, signal)
        nextClaimMs = Date.now() + lane.options.claimAfterMs / 2
      } else if (lane.options.kind === 'hot') await applyHot(lane, streams, waitMs, portions, signal)
      else await applyNew(lane, streams, waitMs, Math.min(nextClaimMs, refreshAtMs), signal)
      failures = 0
    } catch (error) {
      if (signal.aborted) break
      if (error instanceof UnknownVersionError || error instanceof GroupLostError) {
        Object.assign(lane.stats, { status: 'stopped', reason: error.message })
        throw error
      }
      isRecovering = true
      refreshAtMs = 0
      if (failures < quietRetirements && isRetirement(lane, error)) {
        failures += 1
        lane.log.debug('a hot stream was retired')
        continue
      }
      lane.log.warn({ reason: String(error) }, 'lane interrupted')
      await delay(backoffMs(failures++), undefined, { signal }).catch(() => {})
    }
  }
}

/** A stream that is gone since the table was read fails the reading of all of them. What was read just before is pending, and comes first. */
const isRetirement = ({ options }: Lane, error: unknown): boolean =>
  options.kind === 'hot' && error instanceof Error && /^(NOGROUP|UNBLOCKED)\b/.test(error.message)

async function applyOwnPending(lane: Lane, streams: readonly Stream[], signal: AbortSignal): Promise<boolean> {
  const { kind, batchSize } = lane.options
  const pending = await lane.redis.readOwnPending(streams, kind === 'hot' ? shareOf(batchSize, streams.length) : batchSize)
  if (pending.length === 0) return false
  await apply(lane, pending, signal)
  return true
}

async function applyClaimed(lane: Lane, streams: readonly Stream[], signal: AbortSignal): Promise<void> {
  for (const stream of streams) {
    for (;;) {
      const claimed = await lane.redis.claim(stream, lane.options.claimAfterMs, lane.options.batchSize)
      if (claimed.entries.length + claimed.trimmed.length === 0) break
      lane.log.info({ stream: stream.key, entries: claimed.entries.length }, 'entries of a dead consumer claimed')
      await apply(lane, [claimed], signal)
    }
  }
}

/** New entries as they come; of a backlog, the next while these are applied, until something else is due. */
async function applyNew(lane: Lane, streams: readonly Stream[], waitMs: number, untilMs: number, signal: AbortSignal): Promise<void> {
  const { batchSize } = lane.options
  let delivered = await readNew(lane, streams, waitMs, batchSize)
  while (delivered.length > 0) {
    const isBacklog = countOf(delivered) >= batchSize && Date.now() < untilMs && !signal.aborted
    const ahead = isBacklog ? lane.redis.readNew(streams, batchSize) : Promise.resolve([])
    ahead.catch(() => {}) // its failure is thrown below; what it was given meanwhile is pending, and comes first after that
    await apply(lane, delivered, signal)
    delivered = await ahead
  }
}

/** A batch of the hot streams that have a backlog, and one of the others, at most; then the table is looked at again. */
async function applyHot(lane: Lane, streams: readonly Stream[], waitMs: number, portions: Portions, signal: AbortSignal): Promise<void> {
  const parts = portions.of(streams)
  const [all] = parts
  const reads = parts.length === 1 ? [readNew(lane, all!.of, waitMs, all!.each)] : parts.map(({ of, each }) => lane.redis.readNew(of, each))
  for (const read of reads) read.catch(() => {}) // one failure is thrown below; what another read was given is pending, and comes first after that
  const delivered = (await Promise.all(reads)).flat()
  portions.saw(delivered, parts)
  if (delivered.length > 0) await apply(lane, delivered, signal)
}

/** At most `each` of every stream, once for those that are there and once for those that came while it lingered. */
async function readNew(lane: Lane, streams: readonly Stream[], waitMs: number, each: number): Promise<Delivered[]> {
  const { batchSize, lingerMs } = lane.options
  const first = await lane.redis.readNew(streams, each, waitMs)
  if (first.length === 0 || lingerMs === 0 || countOf(first) >= batchSize) return first
  await delay(lingerMs)
  return merged(first, await lane.redis.readNew(streams, each))
}

const countOf = (delivered: readonly Delivered[]): number => delivered.reduce((sum, { entries }) => sum + entries.length, 0)

function merged(first: readonly Delivered[], second: readonly Delivered[]): Delivered[] {
  const byKey = new Map(first.map((delivered) => [delivered.stream.key, delivered]))
  for (const { stream, entries, trimmed } of second) {
    const before = byKey.get(stream.key)
    byKey.set(
      stream.key,
      before
        ? { stream, entries: [...before.entries, ...entries], trimmed: [...before.trimmed, ...trimmed] }
        : { stream, entries, trimmed },
    )
  }
  return [...byKey.values()]
}

/**
 * Applies in steps of at most a batch over all streams together, some at once: the log's order means nothing to a read model. Every step is
 * finished before this settles, also when one of them failed.
 */
async function apply(lane: Lane, delivered: readonly Delivered[], signal: AbortSignal): Promise<void> {
  const steps = stepsOf(delivered, lane.options.batchSize)
  const keeping = keepAlive(lane, delivered)
  const workers = Array.from({ length: Math.min(lane.options.inFlight, steps.length) }, async () => {
    for (let step = steps.shift(); step; step = steps.shift()) await applyStep(lane, step, delivered, signal)
  })
  const failed = (await Promise.allSettled(workers)).find((worker) => worker.status === 'rejected')
  clearInterval(keeping)
  if (failed) throw failed.reason
}

/** Says every third of the claiming time that the entries in hand are worked on, however slow the store is. */
function keepAlive({ redis, options }: Lane, delivered: readonly Delivered[]): NodeJS.Timeout {
  const keep = () => Promise.all(delivered.map((some) => redis.keep(some))).catch(() => {}) // unsaid, another may take them: twice is as once
  return setInterval(() => void keep(), options.claimAfterMs / 3)
}

/** One batch, and a rest after a hot one. */
async function applyStep(lane: Lane, step: readonly Delivered[], inHand: readonly Delivered[], signal: AbortSignal): Promise<void> {
  const { projection, redis, isTransient, options, pacer, stats, log } = lane
  const startedMs = performance.now()
  const onTransient = (error: unknown) => {
    stats.status = 'waiting for a store'
    log.warn({ reason: String(error) }, 'store is away, waiting')
  }
  const { applied, parked } = await applyBatch({ projection, redis, isTransient, inHand, log, signal, onTransient }, step)
  stats.applied += applied
  stats.parked += parked
  stats.status = 'running'
  const tookMs = performance.now() - startedMs
  log.debug({ applied, parked, tookMs: Math.round(tookMs) }, 'batch applied')
  if (options.kind === 'hot') await delay(pacer.restAfter(tookMs), undefined, { signal }).catch(() => {})
  else pacer.observe(options.kind, applied + parked, tookMs)
}

function stepsOf(delivered: readonly Delivered[], size: number): Delivered[][] {
  const steps: Delivered[][] = [[]]
  let room = size
  for (const { stream, entries, trimmed } of delivered) {
    for (let start = 0; start === 0 || start < entries.length;) {
      const part = entries.slice(start, start + room)
      steps.at(-1)!.push({ stream, entries: part, trimmed: start === 0 ? trimmed : [] })
      start += Math.max(part.length, 1)
      room -= part.length
      if (room === 0) {
        steps.push([])
        room = size
      }
    }
  }
  return steps.filter((step) => step.length > 0)
}

/** Reading a stream whose group is missing would fail for all of them, so it is left out until its partition has been reconciled. */
async function readableStreams({ redis, projection, streams }: Lane): Promise<{ streams: Stream[]; isComplete: boolean }> {
  const all = await streams()
  const missing = await redis.withoutGroup(all)
  for (const stream of all) {
    if (!missing.has(stream.key) || (await redis.groupState(stream)) !== 'lost') continue
    // The store's effects are the same however often: only its group may be made again.
    if (projection.acknowledges) throw new GroupLostError(`group ${projection.group} of ${stream.key} is gone: rebuild the model`)
    await redis.createGroup(stream)
  }
  return { streams: all.filter(({ key }) => !missing.has(key)), isComplete: missing.size === 0 }
}
