import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { demote, promote, retire } from '../../events/hotspots.ts'
import type { Keys } from '../../redis/keys.ts'
import { memoryIn, shortOfMemory } from '../../redis/memory.ts'
import type { HotspotLimits } from '../../hotspot-limits.ts'
import { type Action, decide } from './decide.ts'
import { type Lease, createLease } from './lease.ts'
import { readSeen } from './read-seen.ts'
import { type Warmth, createWarmth } from './warmth.ts'

const intervalMs = 500
/** After the death of the one that acts another begins within this and an interval, ms. */
const leaseMs = 2_000

export type Controller = { redis: Redis; keys: Keys; limits: HotspotLimits; log: Logger }

/**
 * Promotes, demotes and retires by the rates, while no other process does. Every step is harmless if two take it: the scripts do nothing twice,
 * and a rate never overrides a person. Ends on abort.
 */
export async function runController({ redis, keys, limits, log }: Controller, signal: AbortSignal): Promise<void> {
  const lease = createLease(redis, keys.hotspots.controller, leaseMs)
  const memory = { warmth: createWarmth(), refused: new Set<string>() }
  let fault = ''
  while (!signal.aborted) {
    try {
      if (await lease.hold()) await round({ redis, keys, limits, log, lease, memory })
      else memory.warmth.forget() // what is remembered is the other's now
      fault = ''
    } catch (error) {
      if (fault !== String(error)) log.warn({ reason: String(error) }, 'hotspots are not controlled, repeating')
      fault = String(error)
    }
    await delay(intervalMs, undefined, { signal }).catch(() => {})
  }
  await lease.release().catch(() => {})
}

type Round = Controller & { lease: Lease; memory: { warmth: Warmth; refused: Set<string> } }

async function round({ redis, keys, limits, log, lease, memory }: Round): Promise<void> {
  const seen = await readSeen(redis, keys, limits.topics)
  const { actions, warm, refused } = decide({ ...seen, warmMs: memory.warmth.at(seen.nowMs, seen.warmMs) }, limits)

  const hot = new Set(seen.hotspots.map(({ topic }) => topic))
  memory.warmth.remember(warm, hot)
  for (const topic of refused.filter((topic) => !memory.refused.has(topic)))
    log.warn({ topic, hotspots: hot.size, limit: limits.topics }, 'not promoted: as many topics are hot as may be')
  memory.refused = new Set(refused)

  const quietMs = actions.some(({ kind }) => kind === 'retire') ? await retireAfterMs(redis, limits, hot.size) : 0
  // One that fails, as promoting does while Redis is full, keeps no other from being done.
  const faults: unknown[] = []
  for (const action of actions) {
    if (!lease.isHeld()) return
    await act({ redis, keys, log }, action, { validUntilMs: seen.nowMs + leaseMs, quietMs }).catch((error: unknown) => faults.push(error))
  }
  if (lease.isHeld()) await remember({ redis, keys, limits }, warm, seen.nowMs)
  if (faults.length > 0) throw faults[0]
}

/** Above this share of its rows the table keeps no streams that only wait. */
const fullShare = 0.75

/** How long a stream must have been quiet to be removed, ms. */
async function retireAfterMs(redis: Redis, { retireAfterMs, topics }: HotspotLimits, rows: number): Promise<number> {
  return rows > fullShare * topics || memoryIn(await redis.info('memory')) >= shortOfMemory ? 0 : retireAfterMs
}

type Bounds = { validUntilMs: number; quietMs: number }

/** A step that a connection held back until `validUntilMs` on the server's clock is not taken: another process acts by then. */
async function act(
  { redis, keys, log }: Pick<Controller, 'redis' | 'keys' | 'log'>,
  action: Action,
  { validUntilMs, quietMs }: Bounds,
): Promise<void> {
  const { topic, kind } = action
  const facts = { topic, writesPerSecond: action.writes, readsPerSecond: action.reads }
  if (kind === 'promote') {
    const { by, rate } = action
    if (await promote(redis, keys, topic, { by, rate, untilMs: null }, validUntilMs)) log.info({ ...facts, by }, 'topic promoted')
  } else if (kind === 'demote') {
    if (await demote(redis, keys, topic, 'rate', validUntilMs)) log.info({ ...facts, reason: action.reason }, 'topic demoted')
  } else if (await retire(redis, keys, topic, quietMs)) log.info(facts, 'hot stream retired')
}

/** For the next one to act, and for `ovation hotspots`. A full Redis refuses it: then it stands in memory only. */
async function remember({ redis, keys, limits }: Omit<Controller, 'log'>, warm: readonly string[], nowMs: number): Promise<void> {
  await Promise.all([
    redis.zremrangebyscore(keys.hotspots.warm, '-inf', nowMs - limits.coolDownMs - 60_000),
    redis.zremrangebyscore(keys.hotspots.held, '-inf', nowMs),
  ])
  const said = redis.pipeline().set(keys.hotspots.limits, JSON.stringify(limits), 'PX', 5 * leaseMs)
  if (warm.length > 0) said.zadd(keys.hotspots.warm, ...warm.flatMap((topic) => [nowMs, topic]))
  await said.exec() // each reply may be a refusal
}
