import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { createKeys } from '../redis/keys.ts'
import type { Delivered } from './consumer-redis.ts'
import { countOf, createReadNew } from './read-new.ts'
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
  return { readNew: createReadNew({ redis, options: { batchSize: 10, lingerMs } }), held, reads: () => reads }
}
const never = new AbortController().signal

test('what comes first is read at once, and what comes after it later, together', async () => {
  const { readNew, held, reads } = laneOf([2, 1, 0])
  expect(countOf(await readNew(streams, 500, 3, never))).toBe(3)
  const beganMs = performance.now()
  const read = readNew(streams, 500, 3, never)
  held[1] = 2
  await nextTurn()
  held[2] = 9
  const delivered = await read
  expect(performance.now() - beganMs).toBeGreaterThan(40)
  expect(reads()).toBe(2)
  expect(delivered.map(({ stream, entries }) => [stream.key, entries.length])).toEqual([
    ['s1', 2],
    ['s2', 3],
  ])
})

test.each([
  { what: 'every stream gave all it was asked for, though that is less than a batch', held: [9, 9, 9], each: 3 },
  { what: 'one gave a whole batch', held: [0, 12, 0], each: 10 },
  { what: 'there was nothing', held: [0, 0, 0], each: 3 },
])('there is no waiting where $what', async ({ held, each }) => {
  const { readNew, reads } = laneOf(held, 60_000)
  await readNew(streams, 500, each, never)
  await readNew(streams, 500, each, never)
  expect(reads()).toBe(2)
})

test('asked to stop while it waits, it ends at once and reads no more', async () => {
  const stopping = new AbortController()
  const { readNew, reads } = laneOf([2, 1, 0], 60_000)
  await readNew(streams, 500, 3, stopping.signal)
  const read = readNew(streams, 500, 3, stopping.signal)
  await nextTurn()
  stopping.abort()
  expect(await read).toEqual([])
  expect(reads()).toBe(1)
})
