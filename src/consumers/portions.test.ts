import { expect, test } from 'vitest'
import { createKeys } from '../redis/keys.ts'
import { type Part, createPortions } from './portions.ts'
import type { Stream } from './streams.ts'

const partition = createKeys('t:', 1).partitions[0]!
const streamOf = (name: string): Stream => ({ key: name, partition, lane: `hot:${name}` })
const streams = (count: number) => Array.from({ length: count }, (_, i) => streamOf(`s${i}`))
const shown = (parts: readonly Part[]) => parts.map(({ of, each }) => ({ of: of.map(({ key }) => key), each }))
/** What each stream has, as much as was asked of it. */
const given = (has: Record<string, number>, parts: readonly Part[]) =>
  parts.flatMap(({ of, each }) =>
    of.flatMap((stream) => {
      const count = Math.min(has[stream.key] ?? 0, each)
      const entries = Array.from({ length: count }, (_, n) => ({ lane: stream.lane, entryId: `1-${n}`, fields: {} as never }))
      return count > 0 ? [{ stream, entries, trimmed: [] }] : []
    }),
  )
const inHand = (delivered: ReturnType<typeof given>) => delivered.reduce((sum, { entries }) => sum + entries.length, 0)

test('at first each stream gets its part of a batch', () => {
  expect(createPortions(100).of(streams(1))[0]!.each).toBe(100)
  expect(createPortions(100).of(streams(3))).toMatchObject([{ each: 33 }])
  expect(createPortions(5).of(streams(20))).toMatchObject([{ each: 1 }])
})

test('those with a backlog share a batch, and the others another', () => {
  const portions = createPortions(100)
  const all = streams(4)
  const first = portions.of(all)
  portions.saw(given({ s0: 1_000, s1: 3, s3: 25 }, first), first)
  expect(shown(portions.of(all))).toEqual([
    { of: ['s0', 's3'], each: 50 },
    { of: ['s1', 's2'], each: 50 },
  ])
  expect(shown(portions.of(all.slice(1)))).toEqual([
    { of: ['s3'], each: 100 }, // another was retired
    { of: ['s1', 's2'], each: 50 },
  ])
})

test('what is in hand is two batches at most, also when all have a backlog at once after a quiet moment', () => {
  const portions = createPortions(100)
  const all = streams(20)
  const backlog = Object.fromEntries(all.map(({ key }) => [key, 1_000]))
  for (const has of [{}, backlog, backlog, { s0: 1_000 }, {}, backlog, { s0: 1_000, s1: 2 }, backlog]) {
    const parts = portions.of(all)
    const delivered = given(has, parts)
    portions.saw(delivered, parts)
    expect(inHand(delivered)).toBeLessThanOrEqual(200)
  }
})
