import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Keys } from '../redis/keys.ts'
import type { Pacer } from './pacer.ts'

const intervalMs = 500
/** What a process said counts for this long: a few times the interval, since a crowded one is late. */
const validMs = 2_000

export type ShareCrowding = {
  redis: Redis
  keys: Keys
  /** By group. */
  pacers: ReadonlyMap<string, Pacer>
  /** Whether this process reads the lanes that must not notice. */
  hasOthers: boolean
  /** Whether it reads the hot lane. */
  hasHot: boolean
  log: Logger
}

/**
 * Hot lanes rest while the other lanes of their group suffer in any process, and those learn what is usual only while no hot lane presses. Each
 * says so of itself, with a key that expires, and only while it is so. While the server is away each process keeps what it heard last. Ends on
 * abort.
 */
export async function shareCrowding(between: ShareCrowding, signal: AbortSignal): Promise<void> {
  const { pacers, log } = between
  while (!signal.aborted) {
    try {
      await Promise.all([...pacers].map(([group, pacer]) => share(between, group, pacer)))
    } catch (error) {
      log.debug({ reason: String(error) }, 'crowding is not shared')
      for (const pacer of pacers.values()) pacer.hearOf({ isCrowded: false, isPressing: false })
    }
    await delay(intervalMs, undefined, { signal }).catch(() => {})
  }
}

async function share({ redis, keys, hasOthers, hasHot, log }: ShareCrowding, group: string, pacer: Pacer): Promise<void> {
  // One key a command: they are on different servers of a cluster.
  const [crowded, pressing] = await Promise.all([
    hasHot ? redis.exists(keys.crowded(group)) : 0,
    hasOthers ? redis.exists(keys.pressing(group)) : 0,
  ])
  pacer.hearOf({ isCrowded: crowded === 1, isPressing: pressing === 1 })
  const said = [
    ...(hasOthers && pacer.isCrowded() ? [keys.crowded(group)] : []),
    ...(hasHot && pacer.isPressing() ? [keys.pressing(group)] : []),
  ]
  // A full Redis refuses it.
  const unsaid = (error: unknown) => log.debug({ reason: String(error) }, 'crowding is not shared')
  for (const key of said) await redis.set(key, '1', 'PX', validMs).catch(unsaid)
}
