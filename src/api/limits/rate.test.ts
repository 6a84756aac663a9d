import { describe, expect, test } from 'vitest'
import { createGcra } from './gcra.ts'
import { leftOf, leftText, limitOf, policyText, rateOf } from './rate.ts'

const rate = rateOf('30/60s')!
const limit = limitOf('comments', rate)

test('a rate is read from its text', () => {
  expect(rate).toEqual({ quota: 30, windowMs: 60_000 })
  expect(rateOf('off')).toBeUndefined()
  expect(limit).toEqual({ name: 'comments', intervalMs: 2_000, burstMs: 60_000 })
  expect(policyText('comments', rate)).toBe('"comments";q=30;w=60')
})

test.each([
  [2_000, 29, 2], // one was taken just now: it is there again in two seconds
  [2_002, 28, 1],
  [59_000, 0, 1],
  [60_000, 0, 2],
])('of what is owed, %i ms, follows what is left', (owedMs, left, moreInS) => {
  const of = leftOf(limit, owedMs)
  expect(leftText('comments', of.left, of.moreInMs)).toBe(`"comments";r=${left};t=${moreInS}`)
})

test('an interval that is no whole number of milliseconds costs one, not two', () => {
  expect(leftOf(limitOf('likes', rateOf('3/2s')!), 667).left).toBe(2)
})

describe('the algorithm in memory', () => {
  test('lets a whole quota through at once, then one an interval', () => {
    const { take } = createGcra()
    const waits = Array.from({ length: 30 }, () => take('ann', limit, 0))
    expect(waits.slice(0, 29)).toEqual(Array.from({ length: 29 }, () => 0))
    expect(waits[29]).toBe(2_000)
    expect(take('bob', limit, 0)).toBe(0)
    expect(take('ann', limit, 2_000)).toBe(2_000)
  })

  test('forgets what is paid for', () => {
    const { take } = createGcra()
    for (let n = 0; n < 30; n++) take('ann', limit, 0)
    expect(take('ann', limit, 60_000)).toBe(0)
  })
})
