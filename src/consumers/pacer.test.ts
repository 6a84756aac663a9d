import { describe, expect, test } from 'vitest'
import { createPacer } from './pacer.ts'

const times = (count: number, action: () => number) => Array.from({ length: count }, action).at(-1)!

/** Others' writes took 10 ms for long, one in 100 ms; there was a hot batch now and then. */
function settled(dutyPercent?: number) {
  let nowMs = 0
  const pacer = createPacer(dutyPercent, () => nowMs)
  const write = (ms: number, entries = 1, afterMs = 100) => {
    nowMs += afterMs
    pacer.observe('global', entries, ms)
    return 0
  }
  times(40, () => write(10))
  times(10, () => pacer.restAfter(20))
  times(200, () => write(10))
  return { ...pacer, write, pass: (ms: number) => void (nowMs += ms) }
}

describe('the rest after a hot batch', () => {
  test('is as long as the batch: half of the time', () => {
    const pacer = settled()
    expect(times(10, () => pacer.restAfter(20))).toBe(20)
  })

  test('doubles while the others take more than twice their time, up to twenty times the batch and a second', () => {
    const pacer = settled()
    pacer.restAfter(20)
    times(10, () => pacer.write(40, 1, 10))
    expect([1, 2, 3, 4, 5, 6].map(() => pacer.restAfter(20))).toEqual([40, 80, 160, 320, 400, 400])
    expect(pacer.restAfter(200)).toBe(1_000)
  })

  test('halves when they are quick again, down to the batch', () => {
    const pacer = settled()
    pacer.restAfter(20)
    times(10, () => pacer.write(40, 1, 10))
    times(6, () => pacer.restAfter(20))
    times(10, () => pacer.write(10, 1, 10))
    expect([1, 2, 3, 4, 5].map(() => pacer.restAfter(20))).toEqual([200, 100, 50, 25, 20])
  })

  test('is longer from the start at a duty of less, for batches of up to a second', () => {
    expect(settled(20).restAfter(50)).toBe(200)
    expect(settled(20).restAfter(1_000)).toBe(4_000)
    expect(settled(20).restAfter(60_000)).toBe(4_000) // a store that was away
    expect(settled(4).restAfter(10)).toBe(240)
  })

  test('is the longest for three seconds after the start: in the middle of a flood nobody knows what is usual without it', () => {
    let nowMs = 0
    const pacer = createPacer(50, () => nowMs)
    for (; nowMs < 3_000; nowMs += 100) {
      pacer.observe('global', 1, 10)
      expect(pacer.restAfter(20)).toBe(400)
    }
    expect([1, 2, 3, 4, 5].map(() => pacer.restAfter(20))).toEqual([200, 100, 50, 25, 20])
    times(3, () => (pacer.observe('global', 1, 40), 0))
    expect(pacer.isCrowded()).toBe(true)
  })

  test('is none at a duty of all the time, until the others are in need', () => {
    const pacer = settled(100)
    expect(times(10, () => pacer.restAfter(20))).toBeLessThan(0.1)
    times(10, () => pacer.write(40, 1, 10))
    expect([1, 2].map(() => pacer.restAfter(20))).toEqual([20, 40])
  })
})

describe('the others are not in need', () => {
  test('by up to twice their time, by what nobody notices, or by a few that take very long', () => {
    for (const ms of [19, 10]) {
      const pacer = settled()
      times(100, () => pacer.write(ms))
      expect(pacer.isCrowded()).toBe(false)
    }
    const quick = createPacer()
    times(50, () => (quick.observe('priority', 1, 1), 0))
    times(50, () => (quick.observe('priority', 1, 10), 0))
    expect(quick.isCrowded()).toBe(false)
    const pacer = settled()
    times(2, () => pacer.write(1_000))
    times(30, () => (times(6, () => pacer.write(10)), pacer.write(1_000)))
    expect(pacer.isCrowded()).toBe(false)
    times(2, () => pacer.write(1_000))
    expect(pacer.isCrowded()).toBe(true)
  })

  test('because their lanes differ in speed', () => {
    const pacer = createPacer()
    times(50, () => (pacer.observe('priority', 1, 2), pacer.observe('global', 1, 50), 0))
    expect(pacer.isCrowded()).toBe(false)
  })

  test('because their batches are larger than they ever were', () => {
    const pacer = settled()
    pacer.restAfter(20)
    times(50, () => pacer.write(300, 64, 10))
    expect(pacer.isCrowded()).toBe(false)
    times(50, () => pacer.write(2_000, 64, 10)) // thirty times as long as 64 single ones would take
    expect(pacer.isCrowded()).toBe(true)
  })

  test('any more once they have been silent for a while', () => {
    const pacer = settled()
    times(10, () => pacer.write(40, 1, 1))
    pacer.pass(1_900)
    expect(pacer.isCrowded()).toBe(true)
    pacer.pass(100)
    expect(pacer.isCrowded()).toBe(false)
  })
})

describe('what is usual', () => {
  test('is not learned while the hot lane presses, here or elsewhere', () => {
    for (const press of [
      (pacer: ReturnType<typeof settled>) => void pacer.restAfter(20),
      (pacer: ReturnType<typeof settled>) => pacer.hearOf({ isCrowded: false, isPressing: true }),
    ]) {
      const pacer = settled()
      times(600, () => (press(pacer), pacer.write(19)))
      expect(pacer.isCrowded()).toBe(false)
      times(10, () => pacer.write(25))
      expect(pacer.isCrowded()).toBe(true)
    }
  })

  test('is learned again while it rests: a store that is slow without it does not hold it back for ever', () => {
    const pacer = settled()
    for (let batch = 0; batch < 6; batch++) times(4, () => (pacer.write(40), batch === 0 ? 0 : pacer.restAfter(20)))
    expect(pacer.restAfter(20)).toBe(400)
    times(200, () => (pacer.write(40), 0))
    expect(pacer.isCrowded()).toBe(false)
  })

  test('crowded lanes of another process count like those of its own', () => {
    const pacer = settled()
    pacer.hearOf({ isCrowded: true, isPressing: false })
    expect(pacer.isCrowded()).toBe(false) // what it would say of itself
    expect([1, 2].map(() => pacer.restAfter(20))).toEqual([40, 80])
    pacer.hearOf({ isCrowded: false, isPressing: false })
    expect(pacer.restAfter(20)).toBe(40)
  })
})

describe('over two minutes of a hot backlog in batches of 20 ms', () => {
  /** Always the same: no test of chance. */
  function createRandom(seed: number) {
    const next = () => ((seed = (seed * 1_664_525 + 1_013_904_223) >>> 0) + 0.5) / 2 ** 32
    const normal = () => Math.sqrt(-2 * Math.log(next())) * Math.cos(2 * Math.PI * next())
    return { next, around: (ms: number, sigma: number) => ms * Math.exp(sigma * normal()) }
  }
  type Write = [entries: number, ms: number]
  const [hotMs, restedMs, totalMs] = [20, 30_000, 150_000]

  /** Others write so often, and as slowly as `write` says at what the hot lane took of the last second. Resolves with its share of the time and their median. */
  function play(perSecond: number, write: (duty: number, random: ReturnType<typeof createRandom>, atMs: number) => Write) {
    const random = createRandom(7)
    let [nowMs, writeAtMs, hotAtMs] = [0, 0, restedMs]
    const pacer = createPacer(50, () => nowMs)
    const hot: number[] = []
    const tookMs: number[] = []
    while (nowMs < totalMs) {
      if (hotAtMs < writeAtMs) {
        nowMs = hotAtMs + hotMs
        hot.push(nowMs)
        hotAtMs = nowMs + pacer.restAfter(hotMs)
      } else {
        nowMs = Math.max(nowMs, writeAtMs)
        const duty = (hot.slice(-60).filter((atMs) => atMs > nowMs - 1_000).length * hotMs) / 1_000
        const [entries, ms] = write(duty, random, nowMs)
        pacer.observe('global', entries, ms)
        if (nowMs > restedMs) tookMs.push(ms)
        writeAtMs += (-Math.log(random.next()) * 1_000) / perSecond
      }
    }
    return { duty: (hot.length * hotMs) / (totalMs - restedMs), medianMs: tookMs.toSorted((a, b) => a - b)[tookMs.length >> 1]! }
  }

  test.each([5, 20, 100, 300])('the noise of a store costs it nothing, at %i writes a second', (perSecond) => {
    for (const usualMs of [3, 30])
      for (const sigma of [0.3, 0.5, 0.8])
        expect(play(perSecond, (_, { around }) => [1, around(usualMs, sigma)]).duty).toBeGreaterThan(0.48)
  })

  test('nor do batches of mixed sizes, or of two speeds', () => {
    const mixed = play(50, (_, { next, around }) => (next() < 0.5 ? [1, around(50, 0.3)] : [100, around(250, 0.3)]))
    expect(mixed.duty).toBeGreaterThan(0.48)
    expect(play(50, (_, { next }) => [1, next() < 0.5 ? 50 : 150]).duty).toBeGreaterThan(0.48)
  })

  test.each([20, 100])('it stays near what the store bears beside %i writes a second, where more makes it slower', (perSecond) => {
    for (const borne of [0.1, 0.25, 0.4])
      for (const factor of [3, 5, 10]) {
        const { duty } = play(perSecond, (took, { around }) => [1, around(took > borne ? 30 * factor : 30, 0.4)])
        expect(duty, `${borne} borne, then ${factor} times as slow`).toBeGreaterThan(0.6 * borne)
        expect(duty, `${borne} borne, then ${factor} times as slow`).toBeLessThan(borne + 0.06)
      }
  })

  test('it settles where the median of the others is not much more than doubled, or near its least of a twentieth', () => {
    for (const perDuty of [4, 10]) {
      const { duty, medianMs } = play(50, (took, { around }) => [1, around(30 * (1 + perDuty * took), 0.4)])
      expect(duty).toBeGreaterThan(0.12)
      expect(medianMs).toBeLessThan(2.5 * 30)
    }
    expect(play(50, (took, { around }) => [1, around(30 * (1 + 100 * took), 0.4)]).duty).toBeLessThan(0.15)
  })

  test('a store that becomes six times as slow by itself holds it back for less than a minute', () => {
    expect(play(50, (_, { around }, atMs) => [1, around(atMs > 60_000 ? 180 : 30, 0.4)]).duty).toBeGreaterThan(0.5 * (1 - 60 / 120))
  })
})
