import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApp } from './create-app.ts'
import { createMetrics } from './metrics.ts'
import { createOpsApp } from './ops-server.ts'

const prefix = 'ovation_http_request_duration_seconds_count'

test('requests are counted by route template, method and status, whatever callers send', async () => {
  const metrics = createMetrics()
  const app = createApp({
    config: { allowedOrigins: [] },
    log: pino({ level: 'silent' }),
    checks: [],
    role: 'all',
    metrics,
    queries: (app) => {
      app.get('/t/:topic/comments', (c) => c.json([]))
      app.get('/fails', () => {
        throw new Error('x')
      })
    },
  })
  for (const topic of ['a', 'b', 'c']) await app.request(`/t/${topic}/comments`)
  await app.request('/fails')
  for (const path of ['/x', '/y/z']) await app.request(path)
  for (const method of ['FOO', 'BAR']) await app.request('/t/a/comments', { method })

  const response = await createOpsApp(metrics.registry).request('/metrics')
  expect(response.headers.get('content-type')).toContain('text/plain')
  const text = await response.text()
  expect(text).toContain('process_cpu_seconds_total')
  expect(
    text
      .split('\n')
      .filter((line) => line.startsWith(prefix))
      .sort(),
  ).toEqual([
    `${prefix}{route="/fails",method="GET",status="500"} 1`,
    `${prefix}{route="/t/:topic/comments",method="GET",status="200"} 3`,
    `${prefix}{route="none",method="GET",status="404"} 2`,
    `${prefix}{route="none",method="other",status="405"} 2`,
  ])
})
