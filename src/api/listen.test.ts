import { Agent, type ClientRequest, request } from 'node:http'
import { once } from 'node:events'
import { type Socket, connect } from 'node:net'
import { Hono } from 'hono'
import { pino } from 'pino'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../test/deployment.ts'
import type { AppEnv } from './app.ts'
import { type Listening, listen } from './listen.ts'

const options = { host: '127.0.0.1', port: 0, log: pino({ level: 'silent' }) }
const started: Listening[] = []
async function start(app: { fetch: Parameters<typeof listen>[0] }, more: Partial<Parameters<typeof listen>[1]> = {}): Promise<Listening> {
  const listening = await listen(app.fetch, { ...options, ...more })
  started.push(listening)
  return listening
}
afterEach(async () => void (await Promise.all(started.splice(0).map((listening) => listening.close()))))

/** An app whose answer waits for `finish`. */
function slowApp() {
  let finish!: () => void
  let begin!: () => void
  const finished = new Promise<void>((resolve) => (finish = resolve))
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const app = new Hono().get('/', async (c) => {
    begin()
    await finished
    return c.text('done')
  })
  return { app, begun, finish }
}

/** Over a connection that is kept. */
const get = (url: string) => {
  const asked = request(url, { agent: new Agent({ keepAlive: true }) })
  asked.end()
  return asked
}
async function answerTo(asked: ClientRequest): Promise<string> {
  const [response] = (await once(asked, 'response')) as [AsyncIterable<Buffer>]
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return text
}

test('a port that is taken is said in a sentence', async () => {
  const { port } = await start(new Hono())
  await expect(listen(new Hono().fetch, { ...options, port })).rejects.toThrow(`port ${port} of 127.0.0.1 is in use: set PORT to another`)
  await expect(listen(new Hono().fetch, { ...options, port, portVariable: 'OPS_PORT' })).rejects.toThrow('set OPS_PORT to another')
})

test('closing lets the requests in hand finish, and waits for no idle client', async () => {
  const { app, begun, finish } = slowApp()
  const { url, close } = await start(app)
  const answer = answerTo(get(url))
  await begun
  const begin = performance.now()
  const closed = close()
  await expect(fetch(url)).rejects.toThrow()
  finish()
  expect(await answer).toBe('done')
  await closed
  expect(performance.now() - begin).toBeLessThan(2_000)
})

test('closing cuts what takes too long', async () => {
  const { app, begun } = slowApp()
  const { url, close } = await start(app, { drainMs: 100 })
  const answer = answerTo(get(url)).catch((error: Error) => error.message)
  await begun
  await close()
  expect(await answer).toContain('hang up')
})

test.each([
  ['NONSENSE\r\n\r\n', 400, 'bad-request'],
  ['GET / HTTP/1.1\r\nConnection: close\r\n\r\n', 400, 'bad-request'],
  ['GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n', 400, 'bad-request'],
  ['GET /a\\b HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400, 'bad-request'],
  ['OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', 400, 'bad-request'],
  [`GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431, 'request-header-fields-too-large'],
  [`GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(100)}\r\n`, 431, 'request-header-fields-too-large'],
])('what is no request is answered like one: %#', async (sent, status, code) => {
  const { port } = await start(new Hono())
  const socket = connect(port, '127.0.0.1')
  socket.write(sent)
  let text = ''
  for await (const chunk of socket) text += String(chunk)
  expect(text).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
  expect(text.toLowerCase()).toContain('content-type: application/problem+json')
  expect(text).toContain(`"code":"${code}"`)
})

test('a body that is too large is answered before it has arrived', async () => {
  const app = new Hono().post('/', (c) => c.text('no', 413))
  const { port } = await start(app)
  const socket = connect(port, '127.0.0.1')
  socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n')
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  expect(String(chunk)).toContain('HTTP/1.1 413')
})

/** All that a connection gets until it is closed. */
async function everything(socket: Socket): Promise<string> {
  let text = ''
  try {
    for await (const chunk of socket) text += String(chunk)
  } catch {
    // cut
  }
  return text
}
const opened = async (port: number) => {
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  await once(socket, 'connect')
  return socket
}

describe('slow senders', () => {
  test('of headers are answered 408', async () => {
    const { port } = await start(new Hono(), { headersTimeoutMs: 200 })
    const socket = await opened(port)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n')
    const drip = setInterval(() => socket.write('X: y\r\n'), 20)
    expect(await everything(socket)).toMatch(/^HTTP\/1.1 408 [^]*"code":"request-timeout"/)
    clearInterval(drip)
  })

  test('of a body are answered 408, and their handler ends', async () => {
    let ended = ''
    const app = new Hono().post('/', async (c) => {
      ended = await c.req.text().then(
        () => 'whole',
        () => 'cut',
      )
      return c.text('late')
    })
    const { port } = await start(app, { headersTimeoutMs: 100, requestTimeoutMs: 300 })
    const socket = await opened(port)
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n')
    const drip = setInterval(() => socket.write('x'), 20)
    expect(await everything(socket)).toMatch(/^HTTP\/1.1 408 /)
    clearInterval(drip)
    await until(async () => ended === 'cut')
  })
})

describe('slow readers', () => {
  /** More than the system takes for a connection that is not read. */
  const large = 'x'.repeat(16 * 2 ** 20)

  test('of a large answer lose their connection; the handler has long ended, and others are answered meanwhile', async () => {
    const held: Socket[] = []
    const app = new Hono<AppEnv>().use('/', async (c, next) => {
      await next()
      held.push(c.env!.outgoing!.socket!)
    })
    app.get('/', (c) => c.text(large)).get('/small', (c) => c.text('small'))
    const { port, url } = await start(app, { sendTimeoutMs: 300 })
    const readers = await Promise.all(Array.from({ length: 5 }, () => opened(port)))
    for (const reader of readers) reader.pause().write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(async () => held.length === 5)
    expect(await (await fetch(`${url}/small`)).text()).toBe('small')
    const beganMs = performance.now()
    await until(async () => held.every(({ destroyed, writableLength }) => destroyed && writableLength === 0))
    expect(performance.now() - beganMs).toBeLessThan(2_000)
    for (const reader of readers) reader.destroy()
  })

  test('of one large answer keep it as long as they take some of it', async () => {
    const sendTimeoutMs = 300
    const { port } = await start(
      new Hono().get('/', (c) => c.text(large)),
      { sendTimeoutMs },
    )
    const socket = await opened(port)
    socket.pause().write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    const begin = performance.now()
    let received = 0
    const reading = setInterval(() => (received += (socket.read() as Buffer | null)?.length ?? 0), 5)
    await until(async () => socket.readableEnded || socket.destroyed, 20_000)
    clearInterval(reading)
    expect(received).toBeGreaterThan(large.length)
    expect(performance.now() - begin).toBeGreaterThan(2 * sendTimeoutMs)
  })

  test('that go on reading get all of it', async () => {
    const { port } = await start(
      new Hono().get('/', (c) => c.text(large)),
      { sendTimeoutMs: 2_000 },
    )
    const socket = await opened(port)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    expect((await everything(socket)).length).toBeGreaterThan(large.length)
  })
})

describe('connections', () => {
  test('beyond the limit are answered 503 at once, and the next is taken when one has gone', async () => {
    const { port, url } = await start(
      new Hono().get('/', (c) => c.text('fine')),
      { maxConnections: 3 },
    )
    const held = await Promise.all([opened(port), opened(port), opened(port)])
    const socket = await opened(port)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const answer = await everything(socket)
    expect(answer).toMatch(/^HTTP\/1.1 503 [^]*Retry-After: \d+[^]*"code":"overloaded"/)
    expect(answer.match(/HTTP\/1.1/g)).toHaveLength(1)
    held[0].destroy()
    await until(async () => (await fetch(url)).status === 200)
    for (const one of held) one.destroy()
  })

  test('that are kept and idle make room for new ones; one that still sends or reads stays', async () => {
    const large = 'x'.repeat(16 * 2 ** 20)
    let handled = 0
    let finish!: () => void
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const app = new Hono().use(async (_, next) => {
      handled += 1
      await finished
      await next()
    })
    app.get('/', (c) => c.text('fine')).get('/large', (c) => c.text(large))
    const { port, url } = await start(app, { maxConnections: 10 })
    const held = await Promise.all(Array.from({ length: 10 }, () => opened(port)))
    const [reading, sending, ...idle] = held as [Socket, Socket, ...Socket[]]
    reading.pause().write('GET /large HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    for (const socket of [sending, ...idle]) socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await until(async () => handled === 10)
    const answered = [sending, ...idle].map((socket) => once(socket, 'data'))
    const closed = Promise.all(idle.map((socket) => once(socket, 'close')))
    finish()
    await Promise.all(answered)
    sending.write('GET / HTTP/1.1\r\n')
    await until(async () => reading.readableLength > 0)
    await until(async () => (await fetch(url)).status === 200)
    await closed
    sending.write('Host: a\r\n\r\n')
    expect(String(((await once(sending, 'data')) as [Buffer])[0])).toContain('HTTP/1.1 200')
    expect((await everything(reading.resume())).length).toBeGreaterThan(large.length)
    for (const one of held) one.destroy()
  })

  test('with too many requests at once get no further than the limit', async () => {
    let handled = 0
    let finish!: () => void
    const finished = new Promise<void>((resolve) => (finish = resolve))
    const app = new Hono().get('/', async (c) => {
      handled += 1
      await finished
      return c.text('fine')
    })
    const { port } = await start(app, { maxUnanswered: 4 })
    const socket = await opened(port)
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(500))
    await until(async () => handled === 4)
    finish()
    const answer = await everything(socket)
    expect(handled).toBe(4)
    expect(answer.match(/HTTP\/1.1 200/g)).toHaveLength(4)
    expect(answer).toMatch(/HTTP\/1.1 429 [^]*Retry-After: 1\r\n[^]*"code":"too-many-requests"/)
  })
})
