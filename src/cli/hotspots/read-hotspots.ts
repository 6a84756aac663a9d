import type { Redis } from 'ioredis'
import type { StoresConfig } from '../../config.ts'
import { coolAtMs, heatOf, keptShare } from '../../consumers/hotspots/decide.ts'
import { readSeen } from '../../consumers/hotspots/read-seen.ts'
import { readStreamLag } from '../../consumers/stream-lag.ts'
import { groupNames } from '../../events/groups.ts'
import type { Hotspot } from '../../events/hotspots.ts'
import type { HotspotLimits } from '../../hotspot-limits.ts'
import type { Keys } from '../../redis/keys.ts'

/** Events that a group has not applied yet; null where it cannot be known. */
type Backlog = { group: string; toRead: number | null; inHand: number }
export type HotspotRow = Omit<Hotspot, 'state'> & {
  state: Hotspot['state']
  writesPerSecond: number
  readsPerSecond: number
  /** Of the group that is furthest behind on the topic's stream; null where it cannot be known. */
  backlog: number | null
  groups: Backlog[]
  /** Whether one of the rates is a quarter of its limit or more. */
  isWarm: boolean
  /** When it is demoted if nothing changes; null: not. */
  demotedAtMs: number | null
}
export type Hotspots = {
  nowMs: number
  limits: HotspotLimits
  /** Whether a consumer process promotes and demotes. */
  isControlled: boolean
  rows: HotspotRow[]
  ratesOf(topic: string): { writesPerSecond: number; readsPerSecond: number; share: number }
  /** Until when it is not promoted again, because a person demoted it. */
  heldUntilMs(topic: string): number | undefined
}

export const limitsIn = (config: StoresConfig): HotspotLimits => ({
  writesPerSecond: config.hotWritesPerSecond,
  readsPerSecond: config.hotReadsPerSecond,
  coolDownMs: config.hotCoolDownMs,
  retireAfterMs: config.hotRetireAfterMs,
  topics: config.hotTopics,
})

/** Hotspots, hottest first, by the limits of the process that acts on them, or else of the environment. */
export async function readHotspots(redis: Redis, keys: Keys, config: StoresConfig): Promise<Hotspots> {
  const [said, controlled] = await Promise.all([redis.get(keys.hotspots.limits), redis.exists(keys.hotspots.controller)])
  const limits = said === null ? limitsIn(config) : (JSON.parse(said) as HotspotLimits)
  const seen = await readSeen(redis, keys, limits.topics)
  const ratesOf = (topic: string) => {
    const { writes, reads, share } = heatOf(seen, topic, limits)
    return { writesPerSecond: writes, readsPerSecond: reads, share }
  }
  const rows = seen.hotspots.map(async (hotspot): Promise<HotspotRow> => {
    const { share, ...rates } = ratesOf(hotspot.topic)
    const groups = await backlogs(redis, keys, hotspot.topic)
    const isWarm = share >= keptShare
    const isKept = hotspot.state === 'draining' || (hotspot.by !== 'operator' && isWarm)
    return {
      ...hotspot,
      ...rates,
      backlog: groups.some(({ toRead }) => toRead === null) ? null : Math.max(...groups.map(({ toRead, inHand }) => toRead! + inHand)),
      groups,
      isWarm,
      demotedAtMs: isKept ? null : coolAtMs(hotspot, seen, limits),
    }
  })
  const byHeat = (a: HotspotRow, b: HotspotRow) => ratesOf(b.topic).share - ratesOf(a.topic).share || (a.topic < b.topic ? -1 : 1)
  return {
    nowMs: seen.nowMs,
    limits,
    isControlled: controlled === 1,
    rows: (await Promise.all(rows)).sort(byHeat),
    ratesOf,
    heldUntilMs(topic) {
      const ms = seen.heldMs.get(topic) ?? 0
      return ms > seen.nowMs ? ms : undefined
    },
  }
}

async function backlogs(redis: Redis, keys: Keys, topic: string): Promise<Backlog[]> {
  const partition = keys.of(topic)
  const registered = await redis.smembers(partition.groups)
  const known: readonly string[] = groupNames
  const names = [...known, ...registered.filter((name) => !known.includes(name)).sort()]
  const lags = await readStreamLag(redis, { key: partition.hot(topic), partition, lane: `hot:${topic}` }, names)
  return [...lags].map(([group, { lagEvents, pending }]) => ({ group, toRead: lagEvents, inHand: pending }))
}
