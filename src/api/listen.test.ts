import { Agent, type ClientRequest, request } from 'node:http'
import { once } from 'node:events'
import { connect } from 'node:net'
import { Hono } from 'hono'
import { pino } from 'pino'
import { afterEach, expect, test } from 'vitest'
import { type Listening, listen } from './listen.ts'

const options = { host: '127.0.0.1', port: 0, log: pino({ level: 'silent' }) }
const started: Listening[] = []
async function start(app: Hono, more: Partial<Parameters<typeof listen>[1]> = {}): Promise<Listening> {
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
