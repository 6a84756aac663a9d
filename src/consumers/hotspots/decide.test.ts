import { describe, expect, test } from 'vitest'
import type { Hotspot } from '../../events/hotspots.ts'
import { defaultLimits as limits } from '../../hotspot-limits.ts'
import { type Seen, decide } from './decide.ts'
import { createWarmth } from './warmth.ts'

const nowMs = 1_800_000_000_000
const hotspot = (more: Partial<Hotspot> = {}): Hotspot => ({
  topic: 'song:a',
  state: 'hot',
  by: 'writes',
  sinceMs: nowMs - 3_600_000,
  untilMs: null,
  rate: 200,
  ...more,
})
const of = (rates: Record<string, number>) => new Map(Object.entries(rates))
const seen = (more: Partial<Seen> = {}): Seen => ({
  nowMs,
  writes: new Map(),
  reads: new Map(),
  hotspots: [],
  warmMs: new Map(),
  heldMs: new Map(),
  ...more,
})
const kindsOf = (more: Partial<Seen>, other = limits) => decide(seen(more), other).actions.map(({ kind, topic }) => `${kind} ${topic}`)

describe('a topic is promoted', () => {
  test('from its limit of writes or of reads on, not below', () => {
    expect(kindsOf({ writes: of({ 'song:a': 99.5 }), reads: of({ 'song:a': 1_999 }) })).toEqual([])
    expect(decide(seen({ writes: of({ 'song:a': 100 }) }), limits).actions).toEqual([
      { kind: 'promote', topic: 'song:a', by: 'writes', rate: 100, writes: 100, reads: 0 },
    ])
    expect(decide(seen({ writes: of({ 'song:a': 120 }), reads: of({ 'song:a': 8_000 }) }), limits).actions).toEqual([
      { kind: 'promote', topic: 'song:a', by: 'reads', rate: 8_000, writes: 120, reads: 8_000 },
    ])
  })

  test('once', () => {
    expect(kindsOf({ writes: of({ 'song:a': 500 }), hotspots: [hotspot()] })).toEqual([])
  })

  test('the hottest first, up to the limit of topics; the others are named', () => {
    const writes = of({ 'song:b': 300, 'song:c': 100, 'song:d': 5_000 })
    const reads = of({ 'song:e': 20_000 })
    const { actions, refused } = decide(seen({ writes, reads, hotspots: [hotspot()] }), { ...limits, topics: 3 })
    expect(actions.filter(({ kind }) => kind === 'promote').map(({ topic }) => topic)).toEqual(['song:d', 'song:e'])
    expect(refused).toEqual(['song:b', 'song:c'])
  })

  test('a stream that still drains takes up room too, and its own topic finds it', () => {
    const hotspots = [hotspot({ state: 'draining' })]
    expect(kindsOf({ writes: of({ 'song:b': 300 }), hotspots }, { ...limits, topics: 1 })).toEqual(['retire song:a'])
    expect(kindsOf({ writes: of({ 'song:a': 300 }), hotspots }, { ...limits, topics: 1 })).toEqual(['promote song:a'])
  })

  test('not while a person wants it demoted', () => {
    const held = { writes: of({ 'song:a': 500 }), heldMs: of({ 'song:a': nowMs + 1 }) }
    expect(kindsOf(held)).toEqual([])
    expect(kindsOf({ ...held, hotspots: [hotspot({ state: 'draining' })] })).toEqual(['retire song:a'])
    expect(kindsOf({ ...held, nowMs: nowMs + 1 })).toEqual(['promote song:a'])
  })
})

describe('a topic that is hot by its rate is demoted', () => {
  test('when both rates have stayed below a quarter for the cool-down', () => {
    const hotspots = [hotspot()]
    expect(kindsOf({ hotspots, writes: of({ 'song:a': 24 }), warmMs: of({ 'song:a': nowMs - 60_000 }) })).toEqual(['demote song:a'])
    expect(kindsOf({ hotspots, writes: of({ 'song:a': 24 }), warmMs: of({ 'song:a': nowMs - 59_999 }) })).toEqual([])
    expect(kindsOf({ hotspots, writes: of({ 'song:a': 25 }) })).toEqual([])
    expect(kindsOf({ hotspots, reads: of({ 'song:a': 500 }) })).toEqual([])
  })

  test('not sooner after its promotion than that', () => {
    expect(kindsOf({ hotspots: [hotspot({ sinceMs: nowMs - 59_999 })] })).toEqual([])
    expect(kindsOf({ hotspots: [hotspot({ sinceMs: nowMs - 60_000 })] })).toEqual(['demote song:a'])
  })

  test('at once where a person has demoted it and the controller promoted it all the same', () => {
    const held = { hotspots: [hotspot()], writes: of({ 'song:a': 500 }), heldMs: of({ 'song:a': nowMs + 1 }) }
    expect(decide(seen(held), limits).actions).toMatchObject([{ kind: 'demote', topic: 'song:a', reason: 'held' }])
    expect(kindsOf({ ...held, nowMs: nowMs + 1 })).toEqual([])
    expect(kindsOf({ ...held, hotspots: [hotspot({ by: 'operator', rate: null })] })).toEqual([])
  })

  /** What happens over time, a round every 500 ms; the server's clock may jump. */
  function play(seconds: number, rateAt: (second: number) => number, clockAt = (second: number) => second) {
    const log: string[] = []
    let ms = 0
    const warmth = createWarmth(() => ms)
    const stored = new Map<string, number>()
    let hotspots: Hotspot[] = []
    for (; ms < seconds * 1_000; ms += 500) {
      const at = nowMs + clockAt(ms / 1_000) * 1_000
      const rates = { writes: of({ 'song:a': rateAt(ms / 1_000) }), warmMs: warmth.at(at, stored) }
      const { actions, warm } = decide(seen({ nowMs: at, ...rates, hotspots }), limits)
      warmth.remember(warm, new Set(hotspots.map(({ topic }) => topic)))
      for (const topic of warm) stored.set(topic, at)
      for (const { kind } of actions) {
        log.push(`${kind} at ${ms / 1_000} s`)
        if (kind === 'promote') hotspots = [hotspot({ sinceMs: at })]
        else if (kind === 'demote') hotspots = [hotspot({ state: 'draining' })]
        else hotspots = []
      }
    }
    return log
  }

  test('a rate that wavers about the limit, or about a quarter of it, changes nothing', () => {
    expect(play(600, (second) => (second % 4 < 2 ? 105 : 95))).toEqual(['promote at 0 s'])
    expect(play(600, (second) => (second < 5 ? 200 : second % 40 < 2 ? 26 : 5))).toEqual(['promote at 0 s'])
    expect(play(600, () => 99)).toEqual([])
  })

  test.each([
    ['in the middle of a flood', 20],
    ['while it cools', 50],
  ])('a clock that goes back ten minutes %s, as a server is promoted, changes nothing of that', (_, jumpsAt) => {
    const clockAt = (second: number) => (second < jumpsAt ? second : second - 600)
    const rounds = play(300, (second) => (second < 30 ? 5_000 : 3), clockAt)
    expect(rounds).toEqual(['promote at 0 s', 'demote at 89.5 s', 'retire at 90 s'])
  })

  test('nor one that goes forward', () => {
    const clockAt = (second: number) => (second < 50 ? second : second + 600)
    expect(play(300, (second) => (second < 30 ? 5_000 : 3), clockAt)).toEqual(['promote at 0 s', 'demote at 89.5 s', 'retire at 90 s'])
  })

  test('a flood that is over is demoted and retired once', () => {
    expect(play(300, (second) => (second < 30 ? 5_000 : 3))).toEqual(['promote at 0 s', 'demote at 89.5 s', 'retire at 90 s'])
  })
})

describe("a person's promotion", () => {
  const byHand = (untilMs: number | null) => [hotspot({ by: 'operator', untilMs, rate: null })]

  test('does not end by a rate', () => {
    expect(kindsOf({ hotspots: byHand(null) })).toEqual([])
    expect(kindsOf({ hotspots: byHand(nowMs + 1) })).toEqual([])
  })

  test('ends at its time, also with some traffic', () => {
    expect(decide(seen({ hotspots: byHand(nowMs), writes: of({ 'song:a': 60 }) }), limits).actions).toEqual([
      { kind: 'demote', topic: 'song:a', reason: 'expired', writes: 60, reads: 0 },
    ])
  })

  test('at its time a topic in its flood goes on by its rate', () => {
    expect(decide(seen({ hotspots: byHand(nowMs), writes: of({ 'song:a': 400 }) }), limits).actions).toEqual([
      { kind: 'promote', topic: 'song:a', by: 'writes', rate: 400, writes: 400, reads: 0 },
    ])
  })

  test('may be one more than rates may have', () => {
    expect(kindsOf({ hotspots: byHand(null), writes: of({ 'song:b': 500 }) }, { ...limits, topics: 1 })).toEqual([])
  })
})
