import { expect, test } from 'vitest'
import { calibrate } from './calibrate.ts'

test('writes are paced: at most ten a second and topic', async () => {
  let writes = 0
  const traffic = { read: async () => {}, write: async () => void (writes += 1) }
  const { done, tookMs } = await calibrate(traffic, { kind: 'writes', ms: 400, topics: 10 })
  expect(writes).toBe(done)
  expect(writes).toBeGreaterThan(10)
  expect(writes).toBeLessThanOrEqual(tookMs / 10 + 1)
})
