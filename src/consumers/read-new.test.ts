import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKeys } from '../redis/keys.ts'
import type { Delivered } from './consumer-redis.ts'
import { countOf, readNew } from './read-new.ts'
import type { Stream } from './streams.ts'

const partition = createKeys('t:', 1).partitions[0]!
const streams = ['s0', 's1', 's2'].map((key): Stream => ({ key, partition, lane: `hot:${key}` }))

/** Streams that hold so many entries each, read in batches of 10 by a lane that lingers. */
function laneOf(held: number[], lingerMs = 50) {
  let reads = 0
  const redis = {
    readNew: async (of: readonly Stream[], each: number): Promise<Delivered[]> => {
      reads += 1
      return of.flatMap((stream) => {
        const i = streams.indexOf(stream)
        const count = Math.min(held[i]!, each)
        held[i]! -= count
        const entries = Array.from({ length: count }, (_, n) => ({ lane: stream.lane, entryId: `${reads}-${n}`, fields: {} as never }))
        return count > 0 ? [{ stream, entries, trimmed: [] }] : []
      })
    },
  }
  return { lane: { redis, options: { batchSize: 10, lingerMs } }, held, reads: () => reads }
}
const never = new AbortController().signal

test('the first entries wait for company, and come with it', async () => {
  const { lane, held, reads } = laneOf([2, 1, 0])
  const read = readNew(lane, streams, 500, 3, never)
  held[1] = 2
  held[2] = 9
  const delivered = await read
  expect(reads()).toBe(2)
  expect(delivered.map(({ stream, entries }) => [stream.key, entries.length])).toEqual([
    ['s0', 2],
    ['s1', 3],
    ['s2', 3],
  ])
})

test.each([
  { what: 'every stream gives all it is asked for, though that is less than a batch', held: [9, 9, 9], each: 3, count: 9 },
  { what: 'one gives a whole batch', held: [0, 12, 0], each: 10, count: 10 },
  { what: 'there is nothing', held: [0, 0, 0], each: 3, count: 0 },
])('there is no waiting where $what', async ({ held, each, count }) => {
  const { lane, reads } = laneOf(held)
  expect(countOf(await readNew(lane, streams, 500, each, never))).toBe(count)
  expect(reads()).toBe(1)
})

test('asked to stop while it waits, it goes on at once with what it has and reads no more', async () => {
  const stopping = new AbortController()
  const { lane, reads } = laneOf([2, 1, 0], 60_000)
  const read = readNew(lane, streams, 500, 3, stopping.signal)
  await nextTurn()
  stopping.abort()
  expect(countOf(await read)).toBe(3)
  expect(reads()).toBe(1)
})
