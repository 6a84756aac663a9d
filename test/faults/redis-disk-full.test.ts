import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { isShown, startReaders } from './chaos-place.ts'
import { createTally } from './chaos-tally.ts'
import { createClient } from './client.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace } from './place.ts'
import { createSmallDisk } from './small-disk.ts'
import { summary } from './summary.ts'

let dir: string
let disk: Awaited<ReturnType<typeof createSmallDisk>>
let place: Place
const deaths: string[] = []
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ovation-disk-'))
  disk = await createSmallDisk(dir)
  await disk.holds(1_500_000)
  place = await createPlace({
    env: { ...process.env, REDIS_SERVER: disk.binary },
    onDeath: (name, detail) => void (name === 'redis' && deaths.push(detail)),
  })
  place.startConsumer('a')
  await place.startApi()
})
afterEach(async () => {
  await place.close()
  await rm(dir, { recursive: true, force: true })
})

test("Redis' disk is full: writes 503, reads go on; with room again everything accepted is there", { timeout: 120_000 }, async () => {
  const tally = createTally()
  const client = createClient(place.url, tally.add)
  const before = startLoad(client)
  await before.reaches(200)
  const acknowledged = await before.stop()
  await place.caughtUp()
  const load = startLoad(client, { writesPerSecond: 150, after: acknowledged })
  const stopReaders = startReaders(client, acknowledged)
  await until(async () => deaths.length > 0)
  tally.clear()
  const accepted = acknowledged.writes.length
  await until(async () => deaths.length >= 6)
  const { reads, writes } = tally.counts
  const refused = [...tally.unexpected]
  const acceptedMeanwhile = acknowledged.writes.length - accepted
  const count = acknowledged.lasting.length
  await disk.hasRoom()
  const roomMs = performance.now()
  await until(() => isShown(place.client, acknowledged, count))
  const recoveredMs = performance.now() - roomMs
  await stopReaders()
  await load.stop()
  await everythingExact(place, acknowledged)
  summary("Redis' disk full", {
    deaths: deaths.length,
    'last pause before a start, ms': /in (\d+) ms/.exec(deaths.at(-1)!)![1]!,
    'writes 503': writes['5xx'],
    'writes accepted meanwhile': acceptedMeanwhile,
    'longest wait of a write, ms': writes.longestMs,
    reads: reads['2xx'],
    degraded: reads.degraded,
    'reads 5xx': reads['5xx'],
    'longest wait of a read, ms': reads.longestMs,
    'as before after there was room, ms': recoveredMs,
  })
  expect(refused).toEqual([])
  expect(reads['5xx']).toBe(0)
  expect(writes['5xx']).toBeGreaterThan(0)
  expect(Math.max(writes.longestMs, reads.longestMs)).toBeLessThan(3_000)
})
