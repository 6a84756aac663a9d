import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Deployment, createDeployment, quiet } from '../../../test/deployment.ts'
import { countReads } from '../../api/read/count-reads.ts'
import { serverMs } from '../../redis/server-ms.ts'
import { readSeen } from './read-seen.ts'

const topic = 'song:hot'
let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment()
})
afterEach(async () => {
  vi.restoreAllMocks()
  await ovation.close()
})

const report = (second: number, reads: Record<string, number>) =>
  ovation.redis.zadd(ovation.keys.reads(second), ...Object.entries(reads).flatMap(([of, n]) => [n, of]))
const nowSecond = async () => Math.floor((await serverMs(ovation.redis)) / 1_000)

test('a rate is the mean of the last two whole seconds, or of the last one and the one that runs where that is more', async () => {
  const second = await nowSecond()
  for (const [ago, reads] of [
    [3, 9_000],
    [2, 100],
    [1, 300],
    [0, 9_000],
  ] as const) {
    await report(second - ago, { [topic]: reads, ...(ago > 0 ? { 'song:b': reads } : {}) })
    await ovation.redis.zadd(ovation.keys.of(topic).heat(second - ago), reads, topic)
  }
  const { nowMs, reads, writes } = await readSeen(ovation.redis, ovation.keys)
  expect([reads.get(topic), writes.get(topic)]).toEqual([4_650, 4_650])
  expect(reads.get('song:b')).toBe(Math.floor(nowMs / 1_000) === second ? 200 : 150) // a second may have gone by
})

test('as many topics are seen as may be hot', async () => {
  const second = await nowSecond()
  const topics = Array.from({ length: 120 }, (_, i) => `song:${i}`)
  await report(second - 1, Object.fromEntries(topics.map((of) => [of, 9_000])))
  for (const of of topics) await ovation.redis.zadd(ovation.keys.of(topic).heat(second - 1), 500, of)
  for (const [most, seen] of [
    [20, [20, 100]],
    [110, [110, 110]],
  ] as const) {
    const { writes, reads } = await readSeen(ovation.redis, ovation.keys, most)
    expect([writes.size, reads.size]).toEqual(seen)
  }
})

test('reads are found whatever the clock of the API process that reports them', async () => {
  const { redis, keys } = ovation
  vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() - 30_000)
  const counter = countReads(redis, keys, quiet)
  for (let i = 0; i < 100; i++) counter.count(topic)
  await counter.report()
  counter.stop()
  expect((await readSeen(redis, keys)).reads.get(topic)).toBe(50)
})
