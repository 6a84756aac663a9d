import type { Redis } from 'ioredis'
import type { Keys } from '../redis/keys.ts'
import { luaFile } from '../redis/script.ts'

const promoteText = luaFile(import.meta.url, 'promote.lua')
const retireText = luaFile(import.meta.url, 'retire.lua')
const demoteText = luaFile(import.meta.url, 'demote.lua')

export type Hotspot = {
  topic: string
  /** `draining`: new events go to `global` again, the stream is only read. */
  state: 'hot' | 'draining'
  /** Who promoted it: a person, or the rate of its writes or reads. */
  by: 'operator' | 'writes' | 'reads'
  sinceMs: number
  /** When it is demoted whatever its rate; null: by its rate, or by hand. */
  untilMs: number | null
  /** Events or reads a second that promoted it; null where a person did. */
  rate: number | null
}
export type Promotion = Pick<Hotspot, 'by' | 'untilMs' | 'rate'>

const byHand: Promotion = { by: 'operator', untilMs: null, rate: null }

/**
 * From now on the topic's events go to `hot:<topic>`, which every group reads from its first entry: its lane looks for new streams twice a
 * second, between batches. Repeated: changes why and until when. False: nothing was done, since a rate takes over from no person, or the
 * server's clock is past `validUntilMs`.
 */
export async function promote(
  redis: Redis,
  keys: Keys,
  topic: string,
  promotion: Promotion = byHand,
  validUntilMs = Infinity,
): Promise<boolean> {
  const { hotspots, groups, hot, meta, hotspotInfo } = keys.of(topic)
  const about = [topic, JSON.stringify(promotion), validUntilMs === Infinity ? 'inf' : validUntilMs]
  return (await redis.eval(promoteText, 5, hotspots, groups, hot(topic), meta, hotspotInfo, ...about)) === 1
}

/** New events go back to `global`; the hot stream stays readable until it is retired. By `rate`: not what a person promoted. False: nothing was done, also when the server's clock is past `validUntilMs`. */
export async function demote(
  redis: Redis,
  keys: Keys,
  topic: string,
  by: 'operator' | 'rate' = 'operator',
  validUntilMs = Infinity,
): Promise<boolean> {
  const { hotspots, hotspotInfo } = keys.of(topic)
  return (await redis.eval(demoteText, 2, hotspots, hotspotInfo, topic, by, validUntilMs === Infinity ? 'inf' : validUntilMs)) === 1
}

/**
 * Removes a draining topic's stream and its row once every group has acknowledged all of it, MongoDB's archive included, and its last event is
 * older than `quietMs`: until then its comments are found in the log, without asking MongoDB. False: not yet.
 */
export async function retire(redis: Redis, keys: Keys, topic: string, quietMs = 0): Promise<boolean> {
  const { hotspots, groups, hot, meta, hotspotInfo } = keys.of(topic)
  return (await redis.eval(retireText, 5, hotspots, groups, hot(topic), meta, hotspotInfo, topic, quietMs)) === 1
}

/** Every hotspot, hot or draining. */
export async function listHotspots(redis: Redis, keys: Keys): Promise<Hotspot[]> {
  const pipeline = redis.pipeline()
  for (const { hotspots, hotspotInfo } of keys.partitions) pipeline.hgetall(hotspots).hgetall(hotspotInfo)
  const replies = ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error
    return reply as Record<string, string>
  })
  return keys.partitions.flatMap((_, i) =>
    Object.entries(replies[2 * i]!).map(([topic, state]): Hotspot => {
      const info = replies[2 * i + 1]![topic]
      return { ...byHand, sinceMs: 0, ...(info ? (JSON.parse(info) as Partial<Hotspot>) : {}), topic, state: state as Hotspot['state'] }
    }),
  )
}

/** Writes a second of the topics that had most of them, from the whole seconds before `nowMs` of the server's clock; `seconds` of them. */
export async function hottestTopics(redis: Redis, keys: Keys, nowMs: number, seconds: number, most = 20): Promise<Map<string, number>> {
  const last = Math.floor(nowMs / 1_000) - 1
  const pipeline = redis.pipeline()
  for (const { heat } of keys.partitions) {
    for (let second = last; second > last - seconds; second--) pipeline.zrevrange(heat(second), 0, most - 1, 'WITHSCORES')
  }
  const sums = new Map<string, number>()
  for (const [error, flat] of (await pipeline.exec()) ?? []) {
    if (error) throw error
    const list = flat as string[]
    for (let i = 0; i < list.length; i += 2) sums.set(list[i]!, (sums.get(list[i]!) ?? 0) + Number(list[i + 1]) / seconds)
  }
  return sums
}
