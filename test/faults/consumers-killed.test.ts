import { randomInt } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { promote } from '../../src/events/hotspots.ts'
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

test('consumers killed at random points, started again under the same or another name: exactly once', { timeout: 120_000 }, async () => {
  await promote(place.redis, place.keys, 'song:hot')
  const names = ['a', 'b']
  const consumers = names.map((name) => place.startConsumer(name))
  const load = startLoad(place.client)
  const kills = 6
  let inHand = 0
  for (let kill = 0; kill < kills; kill++) {
    await load.reaches(200 + kill * 200 + randomInt(150))
    const victim = kill % 2
    await until(async () => (await pending(place, names[victim]!)) > 0)
    await consumers[victim]!.kill()
    inHand += await pending(place, names[victim]!)
    // Under another name, what the dead one had in hand must be claimed.
    if (kill % 4 > 1) names[victim] = `later-${kill}`
    consumers[victim] = place.startConsumer(names[victim]!)
  }
  await load.reaches(1_600)
  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  expect(inHand).toBeGreaterThan(0)
  summary('consumers killed', { kills, inHand, ...figuresOf(place.client, acknowledged) })
})

test('a consumer that slept while another took over what it had in hand: nothing counts twice', { timeout: 120_000 }, async () => {
  const sleeper = place.startConsumer('a')
  place.startConsumer('b')
  const load = startLoad(place.client)
  const sleeps = 3
  let inHand = 0
  for (let sleep = 0; sleep < sleeps; sleep++) {
    await load.reaches(load.acknowledged.writes.length + 100)
    await until(async () => {
      if ((await pending(place, 'a', ['counts', 'likes'])) < 5) return false
      sleeper.freeze()
      return (await pending(place, 'a', ['counts', 'likes'])) > 0 || sleeper.thaw()
    })
    inHand += await pending(place, 'a')
    await until(async () => (await pending(place, 'a')) === 0)
    sleeper.thaw()
  }
  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  summary('a consumer slept', { sleeps, inHand, ...figuresOf(place.client, acknowledged) })
})
