import { setTimeout as delay } from 'node:timers/promises'
import type { Logger } from 'pino'
import { UnknownVersionError } from '../events/define-event.ts'
import { decodeEntry } from '../events/recorded.ts'
import type { Batch, Delivery, Projection } from '../projections/projection.ts'
import type { ConsumerRedis, Delivered } from './consumer-redis.ts'
import { persist } from './persist.ts'
import type { Stream } from './streams.ts'

type Item = Delivery & { stream: Stream }
export type Applied = { applied: number; parked: number }

export type ApplyBatch = {
  projection: Projection
  redis: ConsumerRedis
  /** Everything this consumer holds: kept from being claimed while a store is waited for. */
  inHand: readonly Delivered[]
  /** How often an entry that fails alone is tried before it is parked. */
  attemptsAlone?: number
  isTransient(error: unknown): boolean
  onTransient(error: unknown): void
  log: Logger
  signal: AbortSignal
}

/**
 * Applies what was delivered and acknowledges it. A store that is away is waited for; an entry that cannot be read or applied is found by
 * bisection, tried alone and parked, and the rest goes on. Rejects with UnknownVersionError (a deploy fault: nothing is parked) and on abort.
 */
export async function applyBatch(context: ApplyBatch, delivered: readonly Delivered[]): Promise<Applied> {
  const { redis, projection } = context
  const { items, unreadable } = decode(delivered)
  for (const { stream, entryId, error } of unreadable) await park(context, stream, entryId, error)
  for (const { stream, trimmed } of delivered) await redis.acknowledge(stream, trimmed)
  const parked = items.length > 0 ? await applyOrBisect(context, items) : []
  if (!projection.acknowledges) {
    const dead = new Set(parked)
    for (const { stream, entries } of byStream(items.filter((item) => !dead.has(item)))) await redis.acknowledgeArchived(stream, entries)
  }
  return { applied: items.length - parked.length, parked: parked.length + unreadable.length }
}

function decode(delivered: readonly Delivered[]) {
  const items: Item[] = []
  const unreadable: { stream: Stream; entryId: string; error: unknown }[] = []
  for (const { stream, entries } of delivered) {
    for (const entry of entries) {
      try {
        items.push({ stream, entry, event: decodeEntry(entry) })
      } catch (error) {
        if (error instanceof UnknownVersionError) throw error
        unreadable.push({ stream, entryId: entry.entryId, error })
      }
    }
  }
  return { items, unreadable }
}

function byStream(items: readonly Item[]): { stream: Stream; entries: string[] }[] {
  const groups = new Map<string, { stream: Stream; entries: string[] }>()
  for (const { stream, entry } of items) {
    const group = groups.get(stream.key) ?? { stream, entries: [] }
    groups.set(stream.key, group)
    group.entries.push(entry.entryId)
  }
  return [...groups.values()]
}

function batchesOf(items: readonly Item[]): Batch[] {
  const batches = new Map<string, Batch & { deliveries: Delivery[] }>()
  for (const { stream, entry, event } of items) {
    const batch = batches.get(stream.key) ?? { partition: stream.partition, lane: stream.lane, deliveries: [] }
    batches.set(stream.key, batch)
    batch.deliveries.push({ entry, event })
  }
  return [...batches.values()]
}

/** Resolves with the items that were parked. */
async function applyOrBisect(context: ApplyBatch, items: readonly Item[]): Promise<Item[]> {
  const { projection, redis, isTransient, onTransient, attemptsAlone = 3, inHand, signal } = context
  const attempt = () =>
    persist(() => projection.apply(batchesOf(items)), {
      isTransient,
      signal,
      async onWait(error) {
        onTransient(error)
        for (const delivered of inHand) await redis.keep(delivered)
      },
    })
  try {
    await attempt()
    return []
  } catch (error) {
    if (signal.aborted || error instanceof UnknownVersionError) throw error
    if (items.length > 1) {
      const middle = items.length >> 1
      const first = await applyOrBisect(context, items.slice(0, middle))
      return [...first, ...(await applyOrBisect(context, items.slice(middle)))]
    }
    return await tryAlone(context, items[0]!, attempt, attemptsAlone, error)
  }
}

async function tryAlone(
  context: ApplyBatch,
  item: Item,
  attempt: () => Promise<void>,
  attempts: number,
  firstError: unknown,
): Promise<Item[]> {
  let error = firstError
  for (let tried = 1; tried < attempts; tried++) {
    await delay(50 * 4 ** tried, undefined, { signal: context.signal })
    try {
      await attempt()
      return []
    } catch (again) {
      if (context.signal.aborted) throw again
      error = again
    }
  }
  await park(context, item.stream, item.entry.entryId, error)
  return [item]
}

async function park({ redis, log }: ApplyBatch, stream: Stream, entryId: string, error: unknown): Promise<void> {
  log.error({ stream: stream.key, entryId, reason: String(error) }, 'entry parked')
  await redis.park(stream, entryId, error)
}
