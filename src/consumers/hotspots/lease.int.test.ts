import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Deployment, createDeployment, until } from '../../../test/deployment.ts'
import { createLease } from './lease.ts'

let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment()
})
afterEach(() => ovation.close())

test('one that was paused does not act on what it saw before: its lease is gone by its own clock', async () => {
  const lease = createLease(ovation.redis, `${ovation.keys.prefix}lease`, 100)
  const other = createLease(ovation.redis, `${ovation.keys.prefix}lease`, 60_000)
  expect(await lease.hold()).toBe(true)
  expect(await other.hold()).toBe(false)
  expect([lease.isHeld(), other.isHeld()]).toEqual([true, false])
  await until(async () => other.hold())
  expect(lease.isHeld()).toBe(false)
  expect(await lease.hold()).toBe(false)
  await lease.release() // not the other's
  expect(await lease.hold()).toBe(false)
  await other.release()
  expect(await lease.hold()).toBe(true)
})
