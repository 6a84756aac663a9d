import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { type Proxy, hasProxy, startProxy } from './proxy.ts'

type Handler = (request: IncomingMessage, response: ServerResponse) => void
const fresh = { 'Cache-Control': 'public, max-age=0, s-maxage=1, stale-while-revalidate=5, stale-if-error=60' }

/** What the proxy does by itself, in front of a server that misbehaves as told. */
describe.skipIf(!hasProxy)('the proxy', () => {
  let proxy: Proxy
  let server: Server
  let serverUrl: string
  let seen: string[] = []
  let handle: Handler
  beforeAll(async () => {
    server = createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`)
      handle(request, response)
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    serverUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    proxy = await startProxy({ read: serverUrl, write: serverUrl })
  })
  afterEach(() => {
    seen = []
  })
  afterAll(async () => {
    await proxy?.stop()
    server.closeAllConnections()
    server.close()
  })
  const call = (path: string, init: RequestInit = {}) => fetch(proxy.url + path, { ...init, signal: AbortSignal.timeout(15_000) })
  const problemOf = async (response: Response) => ({
    status: response.status,
    type: response.headers.get('content-type'),
    retryAfter: response.headers.get('retry-after'),
    code: ((await response.json()) as { code: string }).code,
  })
  const away = { status: 503, type: 'application/problem+json', retryAfter: '1', code: 'unavailable' }

  test.each(['POST', 'PUT', 'PATCH', 'DELETE'])('a %s whose connection breaks is not sent again', async (method) => {
    handle = (request) => request.socket.destroy()
    expect(await problemOf(await call(`/v1/broken-${method}`, { method, body: '{}' }))).toEqual(away)
    expect(seen).toEqual([`${method} /v1/broken-${method}`])
    handle = (_, response) => response.end('ok')
    await until(async () => (await call('/v1/x', { method: 'PUT' })).ok) // it was not taken out
  })

  test('a GET whose connection breaks is, to another process', async () => {
    const ofTwo = await startProxy({ read: serverUrl, other: serverUrl, write: serverUrl })
    handle = (request, response) => (seen.length === 1 ? request.socket.destroy() : response.end('ok'))
    expect(await (await fetch(`${ofTwo.url}/v1/broken-once`)).text()).toBe('ok')
    expect(seen).toEqual(['GET /v1/broken-once', 'GET /v1/broken-once'])
    await ofTwo.stop()
  })

  test('an answer with s-maxage is kept, for GET and HEAD, with its ETag and a correlation id of the request', async () => {
    handle = (request, response) =>
      response.writeHead(200, { ...fresh, ETag: '"1"', 'X-Correlation-Id': 'of the first' }).end(request.method)
    const first = await call('/v1/kept')
    const second = await call('/v1/kept', { headers: { 'x-correlation-id': 'mine' } })
    expect([first, second].map(({ headers }) => headers.get('x-cache'))).toEqual(['MISS', 'HIT'])
    expect(first.headers.get('x-correlation-id')).toMatch(/^[\da-f]{32}$/)
    expect(second.headers.get('x-correlation-id')).toBe('mine')
    expect((await call('/v1/kept', { method: 'HEAD' })).headers.get('x-cache')).toBe('HIT')
    expect((await call('/v1/kept', { headers: { 'if-none-match': '"1"' } })).status).toBe(304)
    expect(seen).toEqual(['GET /v1/kept'])
  })

  test.each([
    ['with a token', '/v1/own', { authorization: 'Bearer x' }, fresh],
    ['with a write token', '/v1/own?after=0', {}, fresh],
    ['that is private', '/v1/private', {}, { 'Cache-Control': 'private, max-age=60' }],
    ['that may not be stored', '/v1/no-store', {}, { 'Cache-Control': 'no-store' }],
    ['of which nothing is said', '/v1/silent', {}, {}],
  ])('an answer %s is not', async (_, path, headers, answer) => {
    handle = (_, response) => response.writeHead(200, answer).end('own')
    const caches = []
    for (let i = 0; i < 2; i++) caches.push((await call(path, { headers })).headers.get('x-cache'))
    expect(caches).not.toContain('HIT')
    expect(seen).toHaveLength(2)
    handle = (_, response) => response.writeHead(200, fresh).end('everybody')
    expect(await (await call(path)).text()).toBe('everybody')
  })

  test('requests for a page that nobody has asked for yet are one', async () => {
    handle = (_, response) => void setTimeout(() => response.writeHead(200, fresh).end('page'), 50)
    const answers = await Promise.all(Array.from({ length: 40 }, async () => (await call('/v1/at-once')).text()))
    expect(new Set(answers)).toEqual(new Set(['page']))
    expect(seen).toHaveLength(1)
  })

  test('a page that the API cannot renew is shown and says so; one that it never gave is a problem', async () => {
    handle = (_, response) => response.writeHead(200, { 'Cache-Control': 's-maxage=1', 'Ovation-Degraded': 'counts' }).end('old')
    await call('/v1/old')
    handle = (_, response) => response.writeHead(503, { 'Retry-After': '7' }).end('the API says')
    await until(async () => (await call('/v1/old')).headers.get('x-cache') === 'STALE')
    const stale = await call('/v1/old')
    expect([stale.status, await stale.text(), stale.headers.get('ovation-degraded')]).toEqual([200, 'old', 'counts, stale'])
    const own = await call('/v1/never')
    expect([own.status, await own.text(), own.headers.get('retry-after')]).toEqual([503, 'the API says', '7'])
  })

  test('the API is done with a page when the proxy has it, however slowly the client reads', async () => {
    const sent: number[] = []
    handle = (_, response) => void response.end('x'.repeat(8_000_000)).on('finish', () => sent.push(1))
    const { hostname, port } = new URL(proxy.url)
    const client = connect({ host: hostname, port: Number(port) }).pause()
    client.write('GET /v1/large HTTP/1.1\r\nHost: x\r\n\r\n')
    await until(async () => sent.length === 1, 10_000)
    expect(client.bytesRead).toBeLessThan(8_000_000)
    client.destroy()
  })

  test('a body arrives whole or not at all: a client that sends slowly holds no API', async () => {
    handle = (_, response) => response.end('ok')
    const { hostname, port } = new URL(proxy.url)
    const client = connect({ host: hostname, port: Number(port) })
    client.write('POST /v1/slow HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\n{"')
    expect(await (await call('/v1/other', { method: 'POST', body: '{}' })).text()).toBe('ok')
    expect(seen).toEqual(['POST /v1/other'])
    client.write('"}')
    await until(async () => seen.includes('POST /v1/slow'))
    client.destroy()
  })

  test('live updates come at once', async () => {
    let open!: (response: ServerResponse) => void
    const opened = new Promise<ServerResponse>((resolve) => (open = resolve))
    handle = (_, response) => open(response.writeHead(200, { 'Content-Type': 'text/event-stream', ...fresh }))
    const [response, live] = await Promise.all([call('/v1/topics/song:a/live'), opened.then((live) => (live.flushHeaders(), live))])
    const reader = response.body!.getReader()
    for (const event of ['data: 1\n\n', 'data: 2\n\n']) {
      live.write(event)
      expect(new TextDecoder().decode((await reader.read()).value)).toBe(event)
    }
    expect(response.headers.get('x-cache')).toBeNull()
    await reader.cancel()
  })

  test.each<[string, number, string, () => Promise<Response>]>([
    ['body', 413, 'body-too-large', () => call('/v1/x', { method: 'POST', body: 'x'.repeat(90_000) })],
    ['header', 431, 'headers-too-large', () => call('/v1/x', { headers: { x: 'x'.repeat(20_000) } })],
    ['URL', 414, 'uri-too-long', () => call(`/v1/counts?topics=${'x'.repeat(20_000)}`)],
  ])('a %s that is too large is a problem that any page may read, and the API hears nothing of it', async (_, status, code, send) => {
    const answer = await send()
    expect(answer.headers.get('access-control-allow-origin')).toBe('*')
    expect(answer.headers.get('x-correlation-id')).toMatch(/^[\da-f]{32}$/)
    expect(await problemOf(answer)).toMatchObject({ status, type: 'application/problem+json', code })
    expect(seen).toEqual([])
  })

  test('as many topics as a call may name fit, and what the API refuses of headers is its own to say', async () => {
    handle = (_, response) => response.end('ok')
    const topics = Array.from({ length: 100 }, (_, i) => `song%3A${i}${'x'.repeat(120)}`).join()
    expect((await call(`/v1/counts?topics=${topics}`)).status).toBe(200)
    expect((await call('/v1/x', { headers: { x: 'x'.repeat(14_000) } })).status).toBe(200)
    expect(seen).toHaveLength(2)
  })

  test('a page may read when to come back to a side that is away', async () => {
    handle = (request) => request.socket.destroy()
    const { headers } = await call('/v1/x', { method: 'POST', body: '{}' })
    const exposed = headers.get('access-control-expose-headers')
    expect([headers.get('access-control-allow-origin'), exposed]).toEqual(['*', 'Retry-After, X-Correlation-Id'])
  })

  test('the API hears nothing of hosts and hops that a client makes up', async () => {
    let host: string | undefined
    handle = (request, response) => {
      host = request.headers.host
      response.writeHead(200, fresh).end(host)
    }
    const { hostname, port } = new URL(proxy.url)
    const client = connect({ host: hostname, port: Number(port) })
    client.write('GET /v1/host HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n')
    await once(client.resume(), 'close')
    expect(host).toBe('ovation')
    const next = await call('/v1/host')
    expect([next.headers.get('x-cache'), next.headers.get('server')]).toEqual(['HIT', 'nginx'])
  })

  test.each(['/metrics', '/ops', '/v1/ops/x', '/v1/%6fps', '/v1//ops', '/v1/a/%2e%2e/ops', '/v1/ops%0a'])(
    '%s is not for the public',
    async (path) => {
      expect(await problemOf(await call(path))).toMatchObject({ status: 404, code: 'not-found' })
      expect(seen).toEqual([])
    },
  )

  test('a refusal is logged without what may be secret', async () => {
    handle = (request) => request.socket.destroy()
    await call('/v1/logged?after=secret', { method: 'PUT', headers: { authorization: 'Bearer secret', 'x-correlation-id': 'logged' } })
    await until(async () => proxy.log().includes('"correlationId":"logged"'))
    expect(proxy.log()).not.toContain('secret')
  })
})
