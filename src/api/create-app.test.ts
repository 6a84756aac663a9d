import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { createTopicPolicy } from '../topics.ts'
import type { App } from './app.ts'
import { createApp } from './create-app.ts'

const log = pino({ level: 'silent' })
const commands = (app: App) => void app.put('/write', (c) => c.text(c.var.correlationId))
const queries = (app: App) => void app.get('/read', (c) => c.text('read'))
const pages = (app: App) => void app.get('/', (c) => c.html('<p>hello</p>'))
const create = (more: Partial<Parameters<typeof createApp>[0]> = {}) =>
  createApp({ config: { allowedOrigins: [] }, log, checks: [], role: 'all', commands, queries, pages, ...more })

describe('a role', () => {
  test.each([
    ['all', 200, 200],
    ['read', 404, 200],
    ['write', 200, 404],
  ] as const)('%s answers a write with %i and a read with %i', async (role, write, read) => {
    const app = create({ role })
    expect([(await app.request('/write', { method: 'PUT' })).status, (await app.request('/read')).status]).toEqual([write, read])
    expect((await app.request('/')).status).toBe(200)
  })
})

describe('what the other role answers', () => {
  const like = '/v1/topics/song:a/comments/01a20cb8-6839-7000-8000-000000000000/like'
  test.each([
    ['read', 'PUT', like, 'PUT, DELETE'],
    ['read', 'POST', '/v1/topics/song:a/comments', 'HEAD, GET, POST'],
    ['write', 'GET', '/v1/counts', 'HEAD, GET'],
    ['write', 'HEAD', '/v1/counts', 'HEAD, GET'],
  ] as const)('is no 404 of a process with the role %s: %s %s', async (role, method, path, allow) => {
    const response = await create({ role }).request(path, { method })
    expect([response.status, response.headers.get('allow')]).toEqual([405, allow])
    if (method === 'HEAD') return
    const detail = `this process has the role ${role}: ask one that has the other for ${method}`
    expect(await response.json()).toMatchObject({ code: 'method-not-allowed', detail })
  })
  test('and what neither answers is one', async () => {
    const response = await create({ role: 'read' }).request(like, { method: 'POST' })
    expect([response.status, ((await response.json()) as { detail: string }).detail]).toEqual([405, 'POST is not possible here'])
    expect((await create({ role: 'read' }).request('/v1/likes', { method: 'PUT' })).status).toBe(404)
  })
})

describe('a correlation id', () => {
  const idOf = async (headers: Record<string, string>) => {
    const response = await create().request('/write', { method: 'PUT', headers })
    expect(response.headers.get('x-correlation-id')).toBe(await response.text())
    return response.headers.get('x-correlation-id')
  }
  test('is the one given', async () => {
    expect(await idOf({ 'x-correlation-id': 'abc-1.2_3' })).toBe('abc-1.2_3')
    expect(await idOf({ 'x-request-id': 'r1' })).toBe('r1')
  })
  test.each(['', 'a b', 'x'.repeat(65), 'a"b'])('%j is not taken', async (given) =>
    expect(await idOf({ 'x-correlation-id': given })).toMatch(/^[\da-f-]{36}$/),
  )
  test('is on problems too', async () =>
    expect((await create().request('/nowhere')).headers.get('x-correlation-id')).toMatch(/^[\da-f-]{36}$/))
})

describe('a topic', () => {
  const app = create({
    allowTopics: createTopicPolicy(['song:*']),
    queries: (app) => void app.get('/v1/topics/:topic/comments', (c) => c.text(c.req.param('topic'))),
  })
  test.each([
    ['song:psy', 200],
    ['song%3Apsy', 200],
    ['album:1', 403],
    ['ovation:site', 403],
    ['song%2Fpsy', 422],
    ['song%00', 422],
    ['%ff', 422],
  ])('%s answers %i', async (topic, status) => expect((await app.request(`/v1/topics/${topic}/comments`)).status).toBe(status))
})

describe('a page of another origin', () => {
  const app = create({ config: { allowedOrigins: ['https://a.example'] } })
  test('that is allowed may read the answer and our headers', async () => {
    const { headers } = await app.request('/read', { headers: { origin: 'https://a.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('https://a.example')
    expect(headers.get('access-control-expose-headers')).toBe(
      'ETag, Retry-After, RateLimit, RateLimit-Policy, Ovation-Write, Ovation-Degraded, X-Correlation-Id',
    )
    expect(headers.get('vary')).toBe('Origin')
  })
  test('may ask before it writes', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'PUT' }
    const response = await app.request('/write', { method: 'OPTIONS', headers })
    expect(response.status).toBe(204)
    expect(response.headers.get('access-control-allow-methods')).toContain('PUT')
    expect(response.headers.get('access-control-allow-headers')).toContain('Idempotency-Key')
  })
  test('that is not allowed may not', async () => {
    const { headers } = await app.request('/read', { headers: { origin: 'https://b.example' } })
    expect(headers.get('access-control-allow-origin')).toBeNull()
    expect(headers.get('vary')).toBe('Origin')
  })
  test('sees the problems', async () => {
    const { headers } = await app.request('/nowhere', { headers: { origin: 'https://a.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('https://a.example')
  })
  test('may be any', async () => {
    const { headers } = await create({ config: { allowedOrigins: ['*'] } }).request('/read', { headers: { origin: 'https://b.example' } })
    expect(headers.get('access-control-allow-origin')).toBe('*')
  })
})
