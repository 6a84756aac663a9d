import { expect, test } from 'vitest'
import { startArrivals } from './arrivals.ts'

test('what fails to start is counted, and the others go on', async () => {
  const seen = { begun: 0, failed: 0 }
  const arrivals = startArrivals([{ perSecond: () => 1_000, mostUnderWay: 5, start: () => Promise.reject(new Error('no')) }], {
    onBegun: () => (seen.begun += 1),
    onSkipped: () => {},
    onLate: () => {},
    onFailed: () => (seen.failed += 1),
  })
  await expect.poll(() => seen.failed).toBeGreaterThan(20)
  arrivals.stop()
  await expect.poll(() => arrivals.underWay()).toBe(0)
  expect(seen.failed).toBe(seen.begun)
})
