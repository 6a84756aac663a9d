import { afterEach, beforeEach, expect, test } from 'vitest'
import { type Deployment, createDeployment } from '../../test/deployment.ts'
import { serverMs } from '../redis/server-ms.ts'
import { demote, listHotspots, promote } from './hotspots.ts'

const topic = 'song:hot'
let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment()
})
afterEach(() => ovation.close())

test('a step that a connection held back until the lease is over is refused by the server', async () => {
  const { redis, keys } = ovation
  const nowMs = await serverMs(redis)
  const byRate = { by: 'writes', untilMs: null, rate: 200 } as const
  expect(await promote(redis, keys, topic, byRate, nowMs - 1)).toBe(false)
  expect(await listHotspots(redis, keys)).toEqual([])
  expect(await promote(redis, keys, topic, byRate, nowMs + 60_000)).toBe(true)
  expect(await demote(redis, keys, topic, 'rate', nowMs - 1)).toBe(false)
  expect(await listHotspots(redis, keys)).toMatchObject([{ state: 'hot' }])
  expect(await demote(redis, keys, topic, 'rate', nowMs + 60_000)).toBe(true)
})

test('a person demotes at any time, also what another person promoted', async () => {
  await promote(ovation.redis, ovation.keys, topic)
  expect(await demote(ovation.redis, ovation.keys, topic)).toBe(true)
  expect(await demote(ovation.redis, ovation.keys, topic)).toBe(false)
  expect(await promote(ovation.redis, ovation.keys, topic, { by: 'writes', untilMs: null, rate: 500 })).toBe(true)
})
