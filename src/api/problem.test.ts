import { createRoute, z } from '@hono/zod-openapi'
import { HTTPException } from 'hono/http-exception'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { DomainError, type ErrorCode } from '../errors.ts'
import { createApp } from './create-app.ts'
import { statusOf } from './problem.ts'

const logged: string[] = []
const log = pino({ level: 'warn' }, { write: (line) => void logged.push(line) })
let failure: Error
const app = createApp({
  config: { allowedOrigins: [] },
  log,
  checks: [],
  role: 'all',
  commands: (app) => {
    const params = z.object({ topic: z.string(), number: z.coerce.number() })
    app.openapi(
      createRoute({ method: 'put', path: '/t/{topic}/{number}', request: { params }, responses: { 204: { description: 'done' } } }),
      (c) => c.body(null, 204),
    )
    app.get('/fails', () => {
      throw failure
    })
  },
})

async function ask(path: string, method = 'GET') {
  const response = await app.request(path, { method })
  return {
    headers: response.headers,
    body: method === 'HEAD' ? {} : ((await response.json()) as Record<string, unknown>),
    status: response.status,
  }
}
async function askFailing(error: Error) {
  failure = error
  return ask('/fails')
}

describe('a problem', () => {
  test('has a type, a title, a status and the code of the refusal', async () => {
    const { headers, body } = await askFailing(new DomainError('edit-window-over', 'too late', { windowMs: 900_000 }))
    expect(headers.get('content-type')).toBe('application/problem+json')
    expect(body).toEqual({
      type: '/problems/edit-window-over',
      title: 'edit window over',
      status: 409,
      code: 'edit-window-over',
      detail: 'too late',
      windowMs: 900_000,
    })
  })

  test('keeps its status and code whatever the details say', async () => {
    expect((await askFailing(new DomainError('not-found', 'none', { status: 200, code: 'fine' }))).body).toMatchObject({
      status: 404,
      code: 'not-found',
    })
  })

  test.each(Object.entries(statusOf).filter(([code]) => code !== 'internal'))('%s answers %i', async (code, status) => {
    expect(await askFailing(new DomainError(code as ErrorCode, 'x'))).toMatchObject({ status, body: { code, status } })
  })

  test('that passes says when to come back', async () => {
    expect((await askFailing(new DomainError('unavailable', 'x'))).headers.get('retry-after')).toBe('1')
    const late = (code: ErrorCode, retryAfterMs: number) => askFailing(new DomainError(code, 'x', {}, { retryAfterMs }))
    expect((await late('too-many-requests', 1_001)).headers.get('retry-after')).toBe('2')
    expect((await late('overloaded', 7_000)).headers.get('retry-after')).toBe('7')
  })

  test.each([
    [400, 'malformed-json'],
    [413, 'body-too-large'],
    [415, 'unsupported-media-type'],
  ] as const)("is made of Hono's own %i", async (status, code) => {
    expect(await askFailing(new HTTPException(status, { message: 'x' }))).toMatchObject({ status, body: { code } })
  })

  test('that nobody foresaw tells nothing, and is logged with the correlation id', async () => {
    logged.length = 0
    const { headers, body, status } = await askFailing(new TypeError('password hunter2'))
    expect(status).toBe(500)
    expect(body).toEqual({ type: '/problems/internal', title: 'internal', status: 500, code: 'internal' })
    expect(JSON.parse(logged[0]!)).toMatchObject({ correlationId: headers.get('x-correlation-id'), err: { message: 'password hunter2' } })
  })

  test('that many get at once is one line in the log', async () => {
    logged.length = 0
    for (let n = 0; n < 20; n++) await askFailing(new DomainError('unavailable', 'the log is away'))
    expect(logged).toHaveLength(1)
    await askFailing(new DomainError('unavailable', 'another reason'))
    expect(logged).toHaveLength(2)
  })

  test('of an input names each fault', async () => {
    const { status, body } = await ask('/t/x/y', 'PUT')
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'invalid-input', issues: [{ path: 'number', message: expect.any(String) }] })
  })
})

describe('a path', () => {
  test('that is unknown is not found', async () =>
    expect(await ask('/nowhere', 'POST')).toMatchObject({ status: 404, body: { code: 'not-found' } }))
  test.each(['/t/%ff/1', '/t/%zz/1', '/t/%2e%2e/1', '//', '/t/x'])('%s is no error of ours', async (path) =>
    expect((await ask(path)).status).toBeLessThan(500),
  )
  test.each(['GET', 'POST', 'PATCH', 'OPTIONS', 'PROPFIND'])('that is known answers %s with what it allows', async (method) => {
    const { status, headers, body } = await ask('/t/x/1', method)
    expect({ status, code: body['code'], allow: headers.get('allow') }).toEqual({ status: 405, code: 'method-not-allowed', allow: 'PUT' })
  })
  test('that can be read can be asked for its head', async () => {
    expect((await ask('/healthz', 'HEAD')).status).toBe(200)
    expect((await ask('/healthz', 'DELETE')).headers.get('allow')).toBe('HEAD, GET')
  })
})
