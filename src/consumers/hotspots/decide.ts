import type { Hotspot } from '../../events/hotspots.ts'
import type { HotspotLimits } from '../../hotspot-limits.ts'

/** What is known at one time of the server's clock. Rates are events and reads a second, by topic. */
export type Seen = {
  nowMs: number
  writes: ReadonlyMap<string, number>
  reads: ReadonlyMap<string, number>
  hotspots: readonly Hotspot[]
  /** When the rate of a hot topic was last a quarter of its limit or more, by topic. */
  warmMs: ReadonlyMap<string, number>
  /** Until when a topic that a person demoted is left alone, by topic. */
  heldMs: ReadonlyMap<string, number>
}

type Rates = { writes: number; reads: number }
export type Action = Rates &
  (
    | { kind: 'promote'; topic: string; by: 'writes' | 'reads'; rate: number }
    | { kind: 'demote'; topic: string; reason: 'cooled' | 'expired' | 'held' }
    | { kind: 'retire'; topic: string }
  )
export type Decision = {
  actions: Action[]
  /** Hot topics whose rate is a quarter of its limit or more now. */
  warm: string[]
  /** Above a limit, and not promoted: the table is full. */
  refused: string[]
}

/** Promoted above its limit, kept until a quarter of it: a rate that wavers about either changes nothing. */
export const keptShare = 0.25

/** How near the topic is to its limits: 1 is at one of them. */
export function heatOf({ writes, reads }: Pick<Seen, 'writes' | 'reads'>, topic: string, limits: HotspotLimits) {
  const rates = { writes: writes.get(topic) ?? 0, reads: reads.get(topic) ?? 0 }
  const byWrites = rates.writes / limits.writesPerSecond
  const byReads = rates.reads / limits.readsPerSecond
  return { ...rates, share: Math.max(byWrites, byReads), by: byWrites >= byReads ? ('writes' as const) : ('reads' as const) }
}

/** When a hot topic is demoted if its rates stay as low as they are; null: by hand only, or at `untilMs` for a person's promotion. */
export function coolAtMs({ by, sinceMs, untilMs, topic }: Hotspot, { nowMs, warmMs }: Seen, { coolDownMs }: HotspotLimits): number | null {
  if (by === 'operator') return untilMs
  // A server that was promoted may have a clock that is behind the one before. What lies ahead of it says nothing: counted from now, it would
  // keep the topic hot until the clock has come there. What the controller has seen itself is in `warmMs`.
  const lastMs = Math.max(...[sinceMs, warmMs.get(topic) ?? 0].filter((ms) => ms <= nowMs), 0)
  return lastMs + coolDownMs
}

/** What is to be done, from what is seen: pure. A person's promotion ends at its time or by hand, whatever the rates. */
export function decide(seen: Seen, limits: HotspotLimits): Decision {
  const { hotspots } = seen
  const candidates = candidatesOf(seen, limits)
  const room = Math.max(0, limits.topics - hotspots.length)
  return {
    actions: [...hotspots.flatMap((hotspot) => actionFor(hotspot, seen, limits) ?? []), ...candidates.slice(0, room).map(promotionOf)],
    warm: hotspots.filter((hotspot) => isWarm(hotspot, seen, limits)).map(({ topic }) => topic),
    refused: candidates.slice(room).map(({ topic }) => topic),
  }
}

/** What the row of a hotspot calls for. */
function actionFor(hotspot: Hotspot, seen: Seen, limits: HotspotLimits): Action | undefined {
  const { topic, state, by } = hotspot
  const heat = heatOf(seen, topic, limits)
  const rates = { writes: heat.writes, reads: heat.reads }
  const promotion = heat.share >= 1 && !isHeld(seen, topic) ? promotionOf({ topic, ...heat }) : undefined
  if (state === 'draining') return promotion ?? { kind: 'retire', topic, ...rates }
  // A person demoted it while this was about to be done.
  if (by !== 'operator' && isHeld(seen, topic)) return { kind: 'demote', topic, reason: 'held', ...rates }
  const endMs = by !== 'operator' && heat.share >= keptShare ? null : coolAtMs(hotspot, seen, limits)
  if (endMs === null || seen.nowMs < endMs) return undefined
  // At the end of its time a topic in the middle of its flood goes on by its rate: its stream changes no hands.
  return promotion ?? { kind: 'demote', topic, reason: by === 'operator' ? 'expired' : 'cooled', ...rates }
}

/** Topics above a limit that are in no row, hottest first. */
function candidatesOf(seen: Seen, limits: HotspotLimits) {
  const known = new Set(seen.hotspots.map(({ topic }) => topic))
  return [...new Set([...seen.writes.keys(), ...seen.reads.keys()])]
    .filter((topic) => !known.has(topic) && !isHeld(seen, topic))
    .map((topic) => ({ topic, ...heatOf(seen, topic, limits) }))
    .filter(({ share }) => share >= 1)
    .sort((a, b) => b.share - a.share)
}

const promotionOf = ({ topic, by, writes, reads }: Rates & { topic: string; by: 'writes' | 'reads' }): Action => ({
  kind: 'promote',
  topic,
  by,
  rate: { writes, reads }[by],
  writes,
  reads,
})

const isHeld = ({ heldMs, nowMs }: Seen, topic: string): boolean => (heldMs.get(topic) ?? 0) > nowMs

const isWarm = ({ topic, state, by }: Hotspot, seen: Seen, limits: HotspotLimits): boolean =>
  state === 'hot' && (by === 'operator' || !isHeld(seen, topic)) && heatOf(seen, topic, limits).share >= keptShare
