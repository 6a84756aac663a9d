import { expect, test } from 'vitest'
import { createPortions } from './portions.ts'

test('at first each stream gets its part of a batch', () => {
  expect(createPortions(100).of(1)).toBe(100)
  expect(createPortions(100).of(3)).toBe(34)
  expect(createPortions(5).of(20)).toBe(1)
})

test('then those with a backlog share it', () => {
  const portions = createPortions(100)
  portions.saw([5, 2, 0, 5], 5)
  expect(portions.of(20)).toBe(50)
  portions.saw([50, 10], 50)
  expect(portions.of(20)).toBe(100)
  portions.saw([], 100)
  expect(portions.of(20)).toBe(100)
  portions.saw([100, 100, 100, 100], 100)
  expect(portions.of(20)).toBe(25)
  expect(portions.of(2)).toBe(50) // two were retired
})
