import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace, pending } from './place.ts'
import { createSwitch } from './tcp-switch.ts'
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

test('what a consumer archives after FLUSHALL, having read it before, is in every read model', { timeout: 120_000 }, async () => {
  const { port, pathname, search } = new URL(place.mongodbUrl)
  const way = await createSwitch(Number(port))
  const load = startLoad(place.client)
  let inHand = 0
  let lossUntilMs = 0
  const flushes = 3
  try {
    place.startConsumer('a', { MONGODB_URL: `mongodb://127.0.0.1:${way.port}${pathname}${search}` })
    await until(async () => (await place.collections.events.countDocuments()) > 200)
    for (let flush = 0; flush < flushes; flush++) {
      await load.reaches(load.acknowledged.writes.length + 200)
      way.hold()
      await until(async () => (await pending(place, 'a', ['store'])) > 0)
      inHand += await pending(place, 'a', ['store'])
      await place.redis.flushall()
      lossUntilMs = performance.now()
      await until(areOpen)
      way.letThrough()
    }
    await load.reaches(load.acknowledged.writes.length + 200)
    const acknowledged = await load.stop()
    const lost = await everythingExact(place, acknowledged, { lossUntilMs })
    summary('archived after FLUSHALL', { flushes, inHand, lost, ...figuresOf(place.client, acknowledged) })
  } finally {
    way.close()
  }
})

const areOpen = async () => (await Promise.all(place.keys.partitions.map(({ meta }) => place.redis.hexists(meta, 'term')))).every(Boolean)
