import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace } from './place.ts'
import { figuresOf, summary } from './summary.ts'

let place: Place
beforeAll(async () => {
  place = await createPlace()
})
afterAll(() => place.close())

test('the API killed under load, clients repeat with their keys: exactly once', { timeout: 120_000 }, async () => {
  place.startConsumer('a')
  let api = await place.startApi()
  const load = startLoad(place.client)
  const kills = 4
  for (let kill = 0; kill < kills; kill++) {
    await load.reaches(150 + kill * 200 + randomInt(150))
    await api.kill()
    api = await place.startApi()
  }
  await load.reaches(1_400)
  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  expect(place.client.stats.repeats).toBeGreaterThan(0)
  summary('API killed', { kills, ...figuresOf(place.client, acknowledged) })
})
