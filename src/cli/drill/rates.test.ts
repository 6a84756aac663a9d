import { expect, test } from 'vitest'
import { crowdedShare, hotWritesPerSecond, ratesFor, soakRatesFor } from './rates.ts'
import { createTopics } from './topics.ts'

const { landedShare } = createTopics(200, 'drill:')

test.each([
  { readsPerSecond: 4_000, writesPerSecond: 1_500 },
  { readsPerSecond: 1_000, writesPerSecond: 800 },
  { readsPerSecond: 20_000, writesPerSecond: 6_000 },
])('reads to writes are 100:1, a flood is a flood, and all of it leaves room: %j', (capacity) => {
  const { reads, writes, flood, busy } = ratesFor(capacity, landedShare)
  expect(reads / writes).toBeCloseTo(100)
  expect(flood.writes).toBeGreaterThan(hotWritesPerSecond)
  expect(flood.writes / writes).toBeGreaterThanOrEqual(35)
  expect(flood.reads / (landedShare * reads)).toBeGreaterThan(50)
  expect(flood.reads / (landedShare * reads)).toBeLessThanOrEqual(1_000.5)
  expect(busy).toBeGreaterThan(0.2)
  expect(busy).toBeLessThan(crowdedShare)
})

test('a machine that is too slow for the least flood is told apart', () => {
  expect(ratesFor({ readsPerSecond: 200, writesPerSecond: 60 }, landedShare).busy).toBeGreaterThan(crowdedShare)
})

test('a soak leaves room', () => {
  const { reads, writes, probes } = soakRatesFor({ readsPerSecond: 4_000, writesPerSecond: 1_500 })
  expect(reads / 4_000 + (5 * probes) / 4_000 + (writes + probes) / 1_500).toBeLessThan(0.5)
})

test('topics are picked by popularity, the landed one seldom', () => {
  const topics = createTopics(200, 'drill:')
  const picked = Array.from({ length: 20_000 }, () => topics.pick())
  const share = (topic: number) => picked.filter((each) => each === topic).length / picked.length
  expect(share(0)).toBeCloseTo(0.17, 1)
  expect(share(0) / share(9)).toBeGreaterThan(6)
  expect(share(topics.landed)).toBeLessThan(0.006)
  expect(Array.from({ length: 5_000 }, () => topics.pickOther())).not.toContain(topics.landed)
})
