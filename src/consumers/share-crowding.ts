import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import type { Keys } from '../redis/keys.ts'
import type { Pacer } from './pacer.ts'

const intervalMs = 500
/** What a process said counts for this long: a few times the interval, since a crowded one is late. */
const validMs = 2_000

const crowdedKey = ({ prefix }: Keys, group: string) => `${prefix}crowded:${group}`

export type ShareCrowding = {
  redis: Redis
  keys: Keys
  /** By group. */
  pacers: ReadonlyMap<string, Pacer>
  /** Whether this process reads the lanes that must not notice. */
  tells: boolean
  /** Whether it reads the hot lane. */
  listens: boolean
  log: Logger
}

/**
 * Hot lanes rest while the other lanes of their group are crowded in any process: those say so, with a key that expires, and only while they
 * are. A server that does not answer leaves each process to what it sees itself. Ends on abort.
 */
export async function shareCrowding({ redis, keys, pacers, tells, listens, log }: ShareCrowding, signal: AbortSignal): Promise<void> {
  const groups = [...pacers.keys()]
  while (!signal.aborted) {
    try {
      const crowded = tells ? groups.filter((group) => pacers.get(group)!.isCrowded()) : []
      await Promise.all(crowded.map((group) => redis.set(crowdedKey(keys, group), '1', 'PX', validMs)))
      if (listens) {
        const said = await redis.mget(groups.map((group) => crowdedKey(keys, group)))
        for (const [i, group] of groups.entries()) pacers.get(group)!.hearOf(said[i] !== null)
      }
    } catch (error) {
      log.debug({ reason: String(error) }, 'crowding is not shared')
      for (const pacer of pacers.values()) pacer.hearOf(false)
    }
    await delay(intervalMs, undefined, { signal }).catch(() => {})
  }
}
