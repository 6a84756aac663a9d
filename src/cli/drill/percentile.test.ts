import { expect, test } from 'vitest'
import { percentile, sampleNote, tellable } from './percentile.ts'

const upTo = (n: number) => Array.from({ length: n }, (_, i) => n - i)

test('a percentile is the smallest sample that so many do not exceed', () => {
  expect(percentile(upTo(100), 0.99)).toBe(99)
  expect(percentile(upTo(101), 0.99)).toBe(100)
  expect(percentile(upTo(40), 0.99)).toBe(40)
  expect(percentile([3], 0.99)).toBe(3)
  expect(percentile([1, 2, 3, 4], 0.5)).toBe(2)
  expect(percentile([], 0.99)).toBeUndefined()
})

test('numbers are sorted as numbers', () => expect(percentile([9, 100, 20], 0.5)).toBe(20))

test('few samples tell a lower percentile, and say that they are few', () => {
  expect([10, 40, 100, 499, 500, 10_000].map(tellable)).toEqual([0.5, 0.87, 0.95, 0.98, 0.99, 0.99])
  expect(sampleNote(4_999)).toBe('4,999 samples only')
  expect(sampleNote(5_000)).toBe('5,000 samples')
})
