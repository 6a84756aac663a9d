import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createApp } from './create-app.ts'
import type { Check } from './health.ts'

const log = pino({ level: 'silent' })
const appWith = (...checks: Check[]) => createApp({ config: { allowedOrigins: [] }, log, checks, role: 'all' })
const fine: Check = { name: 'redis', vital: 'log', check: async () => ({ ok: true, detail: { pendingMs: 3 } }) }

test('the process is healthy as long as it answers', async () => {
  const response = await appWith({ name: 'redis', check: async () => ({ ok: false }) }).request('/healthz')
  expect([response.status, await response.json()]).toEqual([200, { ok: true }])
})

describe('the process is', () => {
  test('ready when every check is fine', async () => {
    const response = await appWith(fine).request('/readyz')
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect([response.status, await response.json()]).toEqual([
      200,
      { ok: true, degraded: [], checks: { redis: { ok: true, detail: { pendingMs: 3 } } } },
    ])
  })

  test.each<[string, Check['check'], unknown]>([
    ['is not fine', async () => ({ ok: false, detail: 'behind' }), 'behind'],
    ['fails, and says no more', () => Promise.reject(new Error('redis://:hunter2@host')), 'failed'],
    [
      'throws',
      () => {
        throw new Error('hunter2')
      },
      'failed',
    ],
    ['takes more than a second', () => new Promise(() => {}), 'no answer within 1000 ms'],
  ])('not ready when a check %s', async (_, check, detail) => {
    const begin = performance.now()
    const response = await appWith(fine, { name: 'mongodb', vital: 'comments', check }).request('/readyz')
    expect(performance.now() - begin).toBeLessThan(1_500)
    expect(response.status).toBe(503)
    expect(await response.json()).toEqual({
      ok: false,
      degraded: ['mongodb'],
      checks: { redis: { ok: true, detail: { pendingMs: 3 } }, mongodb: { ok: false, detail } },
    })
  })
})

const down = (name: string, vital?: string): Check => ({ name, vital, check: async () => ({ ok: false }) })

test('the process serves while one of a vital group is there, and says what its answers lack', async () => {
  const thinner = await appWith({ ...fine, vital: 'reads' }, down('mongodb', 'reads'), down('lag')).request('/readyz')
  expect([thinner.status, await thinner.json()]).toMatchObject([200, { ok: true, degraded: ['mongodb', 'lag'] }])
  const nothing = await appWith(down('redis', 'reads'), down('mongodb', 'reads')).request('/readyz')
  expect([nothing.status, await nothing.json()]).toMatchObject([503, { ok: false, degraded: ['redis', 'mongodb'] }])
})

test('calls that come together are one check', async () => {
  let asked = 0
  const app = appWith({ name: 'redis', check: async () => ({ ok: ++asked > 0 }) })
  await Promise.all([app.request('/readyz'), app.request('/readyz'), app.request('/readyz')])
  expect(asked).toBe(1)
  await app.request('/readyz')
  expect(asked).toBe(2)
})
