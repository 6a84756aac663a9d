import { expect, test } from 'vitest'
import { createGcra } from './gcra.ts'

const limit = { intervalMs: 2_000, burstMs: 60_000 }

test('what is taken beyond the burst is not owed: the next waits one interval at most', () => {
  const { take } = createGcra()
  const waits = Array.from({ length: 300 }, () => take('ann', limit, 1_000))
  expect(waits.findIndex((ms) => ms > 0)).toBe(29)
  expect(Math.max(...waits)).toBe(2_000)
  expect(take('ann', limit, 1_000 + 4_000)).toBe(0)
  expect(take('bob', limit, 1_000)).toBe(0)
})
