import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UnknownVersionError } from '../events/define-event.ts'
import type { Projection } from '../projections/projection.ts'
import { applyBatch } from './apply-batch.ts'
import type { ConsumerRedis, Delivered } from './consumer-redis.ts'
import type { LaneOptions } from './lane-options.ts'
import type { Pacer } from './pacer.ts'
import { backoffMs } from './persist.ts'
import { type Portions, createPortions, shareOf } from './portions.ts'
import { type ReadNew, countOf, createReadNew } from './read-new.ts'
import type { Stream } from './streams.ts'

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
  const progress: Progress = { portions, readNew: createReadNew(lane), streams: [], isRecovering: true, refreshAtMs: 0, nextClaimMs: 0 }
  let failures = 0
  while (!signal.aborted) {
    try {
      await round(lane, progress, signal)
      failures = 0
    } catch (error) {
      if (signal.aborted) break
      await afterFailure(lane, error, failures++, signal)
      progress.isRecovering = true
      progress.refreshAtMs = 0
    }
  }
}

/** Times are of `performance.now()`: a clock that somebody sets holds nothing up. */
type Progress = {
  portions: Portions
  readNew: ReadNew
  streams: readonly Stream[]
  isRecovering: boolean
  refreshAtMs: number
  nextClaimMs: number
}

async function round(lane: Lane, progress: Progress, signal: AbortSignal): Promise<void> {
  const { kind, claimAfterMs } = lane.options
  if (lane.takeReconnected()) progress.isRecovering = true
  if (performance.now() >= progress.refreshAtMs) {
    const { streams, isComplete } = await readableStreams(lane)
    progress.streams = streams
    progress.refreshAtMs = kind === 'hot' || !isComplete ? performance.now() + refreshMs : Infinity
  }
  const { streams, refreshAtMs, nextClaimMs } = progress
  const waitMs = Math.min(blockMs[kind], Math.max(0, Math.ceil(refreshAtMs - performance.now())) + 1)
  if (streams.length === 0) await delay(waitMs, undefined, { signal })
  else if (progress.isRecovering) progress.isRecovering = await applyOwnPending(lane, streams, signal)
  else if (performance.now() >= nextClaimMs) {
    await applyClaimed(lane, streams, signal)
    progress.nextClaimMs = performance.now() + claimAfterMs / 2
  } else if (kind === 'hot') await applyHot(lane, progress, waitMs, signal)
  else await applyNew(lane, progress, waitMs, signal)
}

/** Waits longer each time, but for a few retirements. Rejects when a person has to act. */
async function afterFailure({ options, stats, log }: Lane, error: unknown, failures: number, signal: AbortSignal): Promise<void> {
  if (error instanceof UnknownVersionError || error instanceof GroupLostError) {
    Object.assign(stats, { status: 'stopped', reason: error.message })
    throw error
  }
  if (failures < quietRetirements && isRetirement(options, error)) {
    log.debug('a hot stream was retired')
    return
  }
  log.warn({ reason: String(error) }, 'lane interrupted')
  await delay(backoffMs(failures), undefined, { signal }).catch(() => {})
}

/** A stream that is gone since the table was read fails the reading of all of them. What was read just before is pending, and comes first. */
const isRetirement = ({ kind }: LaneOptions, error: unknown): boolean =>
  kind === 'hot' && error instanceof Error && /^(NOGROUP|UNBLOCKED)\b/.test(error.message)

async function applyOwnPending(lane: Lane, streams: readonly Stream[], signal: AbortSignal): Promise<boolean> {
  const { kind, batchSize } = lane.options
  const pending = await lane.redis.readOwnPending(streams, kind === 'hot' ? shareOf(batchSize, streams.length) : batchSize)
  if (pending.length === 0) return false
  await apply(lane, pending, signal)
  return true
}

async function applyClaimed(lane: Lane, streams: readonly Stream[], signal: AbortSignal): Promise<void> {
  for (const stream of streams) {
    while (!signal.aborted) {
      const claimed = await lane.redis.claim(stream, lane.options.claimAfterMs, lane.options.batchSize)
      if (claimed.entries.length + claimed.trimmed.length === 0) break
      lane.log.info({ stream: stream.key, entries: claimed.entries.length }, 'entries of a dead consumer claimed')
      await apply(lane, [claimed], signal)
    }
  }
}

/** New entries as they come; of a backlog, the next while these are applied, until something else is due. */
async function applyNew(lane: Lane, progress: Progress, waitMs: number, signal: AbortSignal): Promise<void> {
  const { batchSize } = lane.options
  const { streams, readNew, nextClaimMs, refreshAtMs } = progress
  const untilMs = Math.min(nextClaimMs, refreshAtMs)
  let delivered = await readNew(streams, waitMs, batchSize, signal)
  while (delivered.length > 0) {
    const isBacklog = countOf(delivered) >= batchSize && performance.now() < untilMs && !signal.aborted
    const ahead = isBacklog ? lane.redis.readNew(streams, batchSize) : Promise.resolve([])
    ahead.catch(() => {}) // its failure is thrown below; what it was given meanwhile is pending, and comes first after that
    await apply(lane, delivered, signal)
    delivered = await ahead
  }
}

/** A batch of the hot streams that have a backlog, and one of the others, at most; then the table is looked at again. */
async function applyHot(lane: Lane, { streams, readNew, portions }: Progress, waitMs: number, signal: AbortSignal): Promise<void> {
  const parts = portions.of(streams)
  const [all] = parts
  const reads =
    parts.length === 1 ? [readNew(all!.of, waitMs, all!.each, signal)] : parts.map(({ of, each }) => lane.redis.readNew(of, each))
  for (const read of reads) read.catch(() => {}) // one failure is thrown below; what another read was given is pending, and comes first after that
  const delivered = (await Promise.all(reads)).flat()
  portions.saw(delivered, parts)
  if (delivered.length > 0) await apply(lane, delivered, signal)
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
