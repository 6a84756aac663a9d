import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoteByHand, promoteByHand } from '../../src/consumers/hotspots/by-hand.ts'
import { readLag } from '../../src/consumers/lag.ts'
import { listHotspots, retire } from '../../src/events/hotspots.ts'
import { until } from '../deployment.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace } from './place.ts'
import { figuresOf, summary } from './summary.ts'

let place: Place
beforeEach(async () => {
  place = await createPlace()
  await place.startApi()
})
afterEach(() => place.close())

/** Two of them share a partition. */
const flooded = ['song:a', 'song:b', 'song:hot', 'song:e', 'song:f']

/** Promoted, written to, demoted, drained and retired. Resolves when its stream is gone. */
async function cycle(topic: string): Promise<void> {
  const { redis, keys } = place
  const stream = keys.of(topic).hot(topic)
  await promoteByHand(redis, keys, topic, 60_000)
  await until(async () => (await redis.xlen(stream)) >= 3)
  await demoteByHand(redis, keys, topic, 300_000)
  // The controller does it too, every 500 ms; this makes it as early as it may be.
  await until(
    async () => (await retire(redis, keys, topic)) || !(await listHotspots(redis, keys)).some((hotspot) => hotspot.topic === topic),
  )
}

test('100 promotions, demotions and retirements in mid-flood: nothing lost, nothing doubled', { timeout: 240_000 }, async () => {
  const { redis, keys } = place
  const consumers = [place.startConsumer('a'), place.startConsumer('b')]
  const load = startLoad(place.client, { topics: [...flooded, 'song:steady'], writesPerSecond: 300, writers: 12 })
  await load.reaches(200)
  await promoteByHand(redis, keys, 'song:steady')

  const over = new AbortController()
  const statuses = new Set<string>()
  const watching = (async () => {
    while (!over.signal.aborted) for (const { status } of await readLag(redis, keys)) statuses.add(status)
  })()
  const startedMs = performance.now()
  let cycles = 0
  const rounds = flooded.map(async (topic) => {
    for (let round = 0; round < 20; round++) {
      await cycle(topic)
      cycles += 1
    }
  })
  await until(async () => cycles >= 50, 120_000)
  await consumers[1]!.kill() // what it has in hand keeps streams from being retired until it is claimed
  place.startConsumer('c')
  await Promise.all(rounds)
  const tookMs = performance.now() - startedMs
  over.abort()
  await watching

  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  expect(cycles).toBe(100)
  expect(await listHotspots(redis, keys)).toMatchObject([{ topic: 'song:steady', state: 'hot', by: 'operator' }])
  for (const topic of flooded) expect(Number(await redis.hget(keys.of(topic).meta, `seq:hot:${topic}`))).toBeGreaterThanOrEqual(60)
  // A stream that is gone is nobody's fault and nobody's lag.
  expect(place.logs()).not.toMatch(/lane interrupted|entry parked|a person has to act/)
  expect([...statuses]).not.toEqual(expect.arrayContaining([expect.stringMatching(/UNKNOWN|MISSING|LOST/)]))
  summary('hotspots', { cycles, tookMs, ...figuresOf(place.client, acknowledged) })
})
