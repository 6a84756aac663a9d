import type { Hotspot } from '../../events/hotspots.ts'

/** When a topic gets a stream of its own, and when it loses it again. */
export type HotspotLimits = {
  writesPerSecond: number
  readsPerSecond: number
  /** How long both rates must have stayed below a quarter, ms. */
  coolDownMs: number
  /** Most rows of the table that rates may fill: each is one more stream that every group reads. */
  topics: number
}

export const defaultLimits: HotspotLimits = { writesPerSecond: 100, readsPerSecond: 2_000, coolDownMs: 60_000, topics: 20 }

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
    | { kind: 'demote'; topic: string; reason: 'cooled' | 'expired' }
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
  // A server that was promoted may have another clock: what lies ahead counts as now.
  return by === 'operator' ? untilMs : Math.min(nowMs, Math.max(sinceMs, warmMs.get(topic) ?? 0)) + coolDownMs
}

/** What is to be done, from what is seen: pure. A person's promotion ends at its time or by hand, whatever the rates. */
export function decide(seen: Seen, limits: HotspotLimits): Decision {
  const { nowMs, hotspots, heldMs } = seen
  const actions: Action[] = []
  const warm: string[] = []
  for (const hotspot of hotspots) {
    const { topic, state, by } = hotspot
    const heat = heatOf(seen, topic, limits)
    const rates = { writes: heat.writes, reads: heat.reads }
    const isPromotable = heat.share >= 1 && (heldMs.get(topic) ?? 0) <= nowMs
    const promotion = { kind: 'promote', topic, by: heat.by, rate: rates[heat.by], ...rates } as const
    if (state === 'draining') {
      actions.push(isPromotable ? promotion : { kind: 'retire', topic, ...rates })
      continue
    }
    const isWarm = heat.share >= keptShare
    if (isWarm) warm.push(topic)
    const endMs = by !== 'operator' && isWarm ? null : coolAtMs(hotspot, seen, limits)
    if (endMs === null || nowMs < endMs) continue
    // At the end of its time a topic in the middle of its flood goes on by its rate: its stream changes no hands.
    actions.push(isPromotable ? promotion : { kind: 'demote', topic, reason: by === 'operator' ? 'expired' : 'cooled', ...rates })
  }
  const known = new Set(hotspots.map(({ topic }) => topic))
  const candidates = [...new Set([...seen.writes.keys(), ...seen.reads.keys()])]
    .filter((topic) => !known.has(topic) && (heldMs.get(topic) ?? 0) <= nowMs)
    .map((topic) => ({ topic, ...heatOf(seen, topic, limits) }))
    .filter(({ share }) => share >= 1)
    .sort((a, b) => b.share - a.share)
  const room = Math.max(0, limits.topics - hotspots.length)
  for (const { topic, by, writes, reads } of candidates.slice(0, room))
    actions.push({ kind: 'promote', topic, by, rate: { writes, reads }[by], writes, reads })
  return { actions, warm, refused: candidates.slice(room).map(({ topic }) => topic) }
}
