import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace, pending } from './place.ts'
import { figuresOf, summary } from './summary.ts'

let place: Place
beforeEach(async () => {
  place = await createPlace()
  await place.startApi()
})
afterEach(() => place.close())

test('FLUSHALL under load: partitions open by themselves, what the archive had is in every read model', { timeout: 120_000 }, async () => {
  place.startConsumer('a')
  place.startConsumer('b')
  const load = startLoad(place.client)
  let atMost = 0
  let lossUntilMs = 0
  const flushes = 3
  for (let flush = 0; flush < flushes; flush++) {
    await load.reaches(400 + flush * 400)
    const archived = await place.collections.events.countDocuments()
    await place.redis.flushall()
    lossUntilMs = performance.now()
    atMost = Math.max(atMost, load.acknowledged.writes.length - archived)
  }
  await load.reaches(1_700)
  const acknowledged = await load.stop()
  const lost = await everythingExact(place, acknowledged, { lossUntilMs })
  expect(new Set(acknowledged.refused.map(({ status }) => status)).size).toBeLessThanOrEqual(1)
  summary('FLUSHALL', { flushes, 'acknowledged, not archived yet, lost': lost, ...figuresOf(place.client, acknowledged) })
})

test(
  'a consumer that slept through FLUSHALL with a batch in hand: what it archives late is in every read model',
  { timeout: 120_000 },
  async () => {
    const consumer = place.startConsumer('a')
    const load = startLoad(place.client)
    const areOpen = async () =>
      (await Promise.all(place.keys.partitions.map(({ meta }) => place.redis.hexists(meta, 'term')))).every(Boolean)
    let inHand = 0
    for (let flush = 0; flush < 5; flush++) {
      await load.reaches(300 + flush * 200)
      await until(async () => {
        if ((await pending(place, 'a', ['store'])) === 0) return false
        consumer.freeze()
        inHand += await pending(place, 'a', ['store'])
        return true
      })
      await place.redis.flushall()
      await until(areOpen)
      consumer.thaw()
    }
    const lossUntilMs = performance.now()
    await load.reaches(1_500)
    const acknowledged = await load.stop()
    const lost = await everythingExact(place, acknowledged, { lossUntilMs })
    summary('FLUSHALL while a consumer slept', {
      flushes: 5,
      'entries in its hands': inHand,
      lost,
      ...figuresOf(place.client, acknowledged),
    })
  },
)
