import { randomInt } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { promote } from '../../src/events/hotspots.ts'
import { until } from '../deployment.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace } from './place.ts'
import { figuresOf, summary } from './summary.ts'

let place: Place
beforeAll(async () => {
  place = await createPlace()
})
afterAll(() => place.close())

const termsOf = async () => (await Promise.all(place.keys.partitions.map(({ meta }) => place.redis.hget(meta, 'lastTerm')))).map(Number)

test('Redis killed under load, several times: every partition opens in a new term, exactly once', { timeout: 120_000 }, async () => {
  place.startConsumer('a')
  place.startConsumer('b')
  await place.startApi()
  await promote(place.redis, place.keys, 'song:hot')
  const load = startLoad(place.client)
  const kills = 4
  for (let kill = 0; kill < kills; kill++) {
    await load.reaches(200 + kill * 250 + randomInt(150))
    const before = await termsOf()
    const pid = place.pids().redis!
    process.kill(pid, 'SIGKILL')
    await until(async () => (await termsOf()).every((term, i) => term > before[i]!))
    expect(place.pids().redis).not.toBe(pid)
  }
  await load.reaches(1_700)
  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  summary('Redis killed', { kills, ...figuresOf(place.client, acknowledged), terms: (await termsOf()).join(' ') })
})
