import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { POST, type Sent, type Who, badRequests, comments, topic } from './bad-requests.ts'
import { type Answer, type E2e, createE2e, secret, signed, tokenOf } from './api.ts'

let e2e: E2e
/** A comment of the topic, one of another topic, a cursor of the newest, a write token of the other topic. */
const known = { ID: '', OTHER: '', CURSOR: '', TOKEN: '' }
let lengthBefore: number

beforeAll(async () => {
  e2e = await createE2e({ env: { ALLOWED_TOPICS: 'song:*,clip:*', JWT_AUDIENCE: 'ovation', JWT_ISSUER: 'https://site.example' } })
  const consumers = await e2e.consume()
  const as = claims({ sub: 'ann' })
  const key = { 'idempotency-key': 'used' }
  const first = await e2e.call('POST', comments, { as, body: { body: 'first' }, headers: key })
  await e2e.call('POST', comments, { as, body: { body: 'second' } })
  const other = await e2e.call('POST', '/v1/topics/song:other/comments', { as, body: { body: 'x' } })
  await e2e.caughtUp()
  await consumers.stop()
  known.ID = first.body.id
  known.OTHER = other.body.id
  known.TOKEN = other.body.writeToken
  known.CURSOR = (await e2e.call('GET', `${comments}?limit=1`)).body.nextCursor
  lengthBefore = await e2e.logLength()
})
afterAll(() => e2e.close())

function claims(who: Who) {
  return { aud: 'ovation', iss: 'https://site.example', ...who }
}
const filled = (text: string) => text.replaceAll(/\b(ID|OTHER|CURSOR|TOKEN)\b/g, (name) => known[name as keyof typeof known])

/** Signed in as ann, unless it says otherwise; JSON, unless it is raw. */
async function send(line: string, { as = { sub: 'ann' }, body, raw, headers = {} }: Sent): Promise<Answer> {
  const [method, path] = filled(line).split(/ (.*)/s) as [string, string]
  const payload = raw ?? (body === undefined ? undefined : filled(JSON.stringify(body)))
  return ask(method, path, payload, {
    ...(as ? { authorization: `Bearer ${await tokenOf(claims(as))}` } : {}),
    ...(payload === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  })
}

/** By node:http, which sends paths, methods and headers as they are. An empty header is left out. */
async function ask(
  method: string,
  path: string,
  payload: string | Uint8Array | undefined,
  headers: Record<string, string>,
): Promise<Answer> {
  const { hostname, port } = new URL(e2e.url)
  const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== 'none'))
  const sent = request({ hostname, port, method, path, headers: given, agent: false })
  const answered = once(sent, 'response')
  sent.on('error', () => {})
  sent.end(payload)
  const [response] = (await answered) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  const type = response.headers['content-type'] ?? ''
  return {
    status: response.statusCode!,
    headers: new Headers(
      Object.entries(response.headers).flatMap(([name, value]) => (value ? [[name, String(value)] as [string, string]] : [])),
    ),
    text,
    body: type.includes('json') && text ? JSON.parse(text) : undefined,
  }
}

function expectProblem({ status, headers, body, text }: Answer, expected: string) {
  expect(`${status} ${body?.code ?? text}`).toBe(expected)
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ type: `/problems/${body.code}`, status, title: expect.any(String) })
  expect(text).not.toMatch(/node_modules|\bat \S+ \(|ioredis|mongo/i)
}

describe.each(badRequests)('%s', (_, rows) => {
  test.each(rows)('%s', async (_name, line, sent, expected) => expectProblem(await send(line, sent), expected))
})

const now = () => Math.floor(Date.now() / 1_000)
const base = { sub: 'ann', name: 'Ann', aud: 'ovation', iss: 'https://site.example' }
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const unsigned = (alg: string) => `${part({ alg, typ: 'JWT' })}.${part({ ...base, exp: now() + 600 })}.`

const credentials: [name: string, header: () => Promise<string> | string][] = [
  ['none', () => 'none'],
  ['an empty header', () => ''],
  ['Bearer alone', () => 'Bearer'],
  ['a password', () => `Basic ${Buffer.from('ann:secret').toString('base64')}`],
  ['garbage', () => 'Bearer garbage'],
  ['three parts of garbage', () => 'Bearer a.b.c'],
  ['a token without the word Bearer', () => signed(base)],
  ['another secret', async () => `Bearer ${await signed(base, { key: 'another secret of at least 32 bytes' })}`],
  ['the secret of write tokens', async () => `Bearer ${known.TOKEN}`],
  ['an expired token', async () => `Bearer ${await signed(base, { exp: now() - 60 })}`],
  ['a token that never expires', async () => `Bearer ${await signed(base, { exp: null })}`],
  ['a token that is not valid yet', async () => `Bearer ${await signed({ ...base, nbf: now() + 600 })}`],
  ['HS512', async () => `Bearer ${await signed(base, { alg: 'HS512', key: secret.padEnd(64, '.') })}`],
  ['HS512 with our secret', async () => `Bearer ${await signed(base, { alg: 'HS512', key: `${secret}${secret}` })}`],
  ['alg none', () => `Bearer ${unsigned('none')}`],
  ['alg None', () => `Bearer ${unsigned('None')}x`],
  ['alg RS256 without keys', () => `Bearer ${unsigned('RS256')}AAAA`],
  [
    'changed claims',
    async () =>
      (await signed(base)).replace(
        /^([\w-]+)\.[\w-]+/,
        (_, head) => `Bearer ${head}.${part({ ...base, role: 'admin', exp: now() + 600 })}`,
      ),
  ],
  ['another audience', async () => `Bearer ${await signed({ ...base, aud: 'another' })}`],
  ['no audience', async () => `Bearer ${await signed({ ...base, aud: undefined })}`],
  ['another issuer', async () => `Bearer ${await signed({ ...base, iss: 'https://evil.example' })}`],
  ['no sub', async () => `Bearer ${await signed({ ...base, sub: undefined })}`],
  ['an empty sub', async () => `Bearer ${await signed({ ...base, sub: '' })}`],
  ['a sub of 129 characters', async () => `Bearer ${await signed({ ...base, sub: 'x'.repeat(129) })}`],
  ['a sub with a new line', async () => `Bearer ${await signed({ ...base, sub: 'ann\nmod' })}`],
  ['a sub that is a number', async () => `Bearer ${await signed({ ...base, sub: 7 })}`],
  ['a blank name', async () => `Bearer ${await signed({ ...base, name: ' ' })}`],
  ['no name', async () => `Bearer ${await signed({ ...base, name: undefined })}`],
  ['a role there is not', async () => `Bearer ${await signed({ ...base, role: 'root' })}`],
  ['topics that are text', async () => `Bearer ${await signed({ ...base, role: 'moderator', topics: '*' })}`],
  ['a picture that is a script', async () => `Bearer ${await signed({ ...base, picture: 'javascript:alert(1)' })}`],
]

describe('credentials', () => {
  test.each(credentials)('%s', async (_, header) => {
    const answer = await send(POST, { as: null, body: { body: 'x' }, headers: { authorization: await header() } })
    expectProblem(answer, '401 not-signed-in')
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
  })

  test.each([
    `POST ${comments}`,
    `PATCH ${comments}/ID`,
    `DELETE ${comments}/ID`,
    `PUT ${comments}/ID/like`,
    `DELETE ${comments}/ID/like`,
    `PUT ${comments}/ID/pin`,
    `DELETE ${comments}/ID/pin`,
    `POST ${comments}/ID/reports`,
    `PUT ${comments}/ID/visibility`,
    `GET /v1/topics/${topic}/viewer?comments=ID`,
  ])('%s needs some', async (line) => {
    expectProblem(await send(line, { as: null, ...(/POST|PATCH|visib/.test(line) ? { body: {} } : {}) }), '401 not-signed-in')
  })
})

describe('what is no HTTP', () => {
  test.each([
    ['garbage', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', '400 bad-request'],
    ['no host', `GET ${comments} HTTP/1.1\r\nConnection: close\r\n\r\n`, '400 bad-request'],
    ['a length that is no number', `POST ${comments} HTTP/1.1\r\nHost: x\r\nContent-Length: ten\r\n\r\n`, '400 bad-request'],
    [
      'two ways to say the length',
      `POST ${comments} HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      '400 bad-request',
    ],
    ['a header with a new line in its name', `GET ${comments} HTTP/1.1\r\nHost: x\r\nX Y: z\r\n\r\n`, '400 bad-request'],
    ['a chunk that is no number', `POST ${comments} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n`, '400 bad-request'],
  ])('%s', async (_, bytes, expected) => {
    const { hostname, port } = new URL(e2e.url)
    const socket = connect(Number(port), hostname)
    socket.write(bytes, 'latin1')
    let text = ''
    for await (const chunk of socket.setEncoding('utf8')) text += chunk
    const [head, body] = text.split('\r\n\r\n') as [string, string]
    expect(head.toLowerCase()).toContain('content-type: application/problem+json')
    expect(`${/^HTTP\/1.1 (\d+)/.exec(head)![1]} ${JSON.parse(body).code}`).toBe(expected)
  })

  test('a request cut off in the middle leaves the API answering', async () => {
    const { hostname, port } = new URL(e2e.url)
    const socket = connect(Number(port), hostname)
    socket.write(`POST ${comments} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{"body":"`)
    await once(socket, 'connect')
    socket.destroy()
    await until(async () => (await send(`GET ${comments}`, {})).status === 200)
  })
})

test('after all of this nothing was written and the API is well', async () => {
  expect(await e2e.logLength()).toBe(lengthBefore)
  const { items } = (await send(`GET ${comments}`, {})).body
  expect(items.map(({ body }: { body: string }) => body)).toEqual(['second', 'first'])
  expect(({} as { role?: string }).role).toBeUndefined()
  expect(badRequests.flatMap(([, rows]) => rows).length + credentials.length).toBeGreaterThan(150)
})

describe('odd and fine', () => {
  test.each([
    ['5,000 emoji', '\u{1f600}'.repeat(5_000)],
    ['right-to-left text', 'שלום \u202eabc\u202c'],
    ['a flag and a family', '🏴‍☠️ 👩‍👩‍👧‍👦'],
    ['a composed letter', 'é'],
    ['markup', '<script>alert(1)</script>'],
    ['something like Redis', '*1\r\n$8\r\nFLUSHALL'.replaceAll('\r', '')],
    ['something like MongoDB', '{"$where":"sleep(1000)"}'],
  ])('%s', async (_, text) => {
    const { status, body } = await send(POST, { body: { body: text } })
    expect([status, body.body]).toEqual([201, text])
    expect(body.html).not.toContain('<script')
  })

  test('a decomposed letter is kept composed', async () => {
    expect((await send(POST, { body: { body: 'e\u0301' } })).body.body).toBe('\u00e9')
  })

  test('one byte order mark, a charset, blanks around and a null parent', async () => {
    const raw = '\u{feff} {"body":"x","parentId":null} '
    expect((await send(POST, { raw, headers: { 'content-type': 'application/json; charset=UTF-8' } })).status).toBe(201)
  })

  test('HEAD is GET without the body', async () => {
    const { status, text, headers } = await send(`HEAD ${comments}`, {})
    expect([status, text, headers.get('content-type')]).toEqual([200, '', 'application/json'])
  })
})
