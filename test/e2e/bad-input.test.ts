import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { type Answer, type E2e, createE2e, secret, signed, tokenOf } from './api.ts'

const topic = 'song:strict'
const comments = `/v1/topics/${topic}/comments`
const star = { sub: 'star', role: 'artist', topics: ['song:strict'] }
const mod = { sub: 'mod', role: 'moderator', topics: ['*'] }
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

function claims(who: { sub: string; role?: string; topics?: string[] }) {
  return { aud: 'ovation', iss: 'https://site.example', ...who }
}
const filled = (text: string) => text.replaceAll(/\b(ID|OTHER|CURSOR|TOKEN)\b/g, (name) => known[name as keyof typeof known])

type Sent = { as?: Parameters<typeof claims>[0] | null; body?: unknown; raw?: string | Uint8Array; headers?: Record<string, string> }
type Row = [name: string, request: string, sent: Sent, expected: string]

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

const POST = `POST ${comments}`
const deep = (levels: number) => `{"body":${'['.repeat(levels)}${']'.repeat(levels)}}`
const invalid = '422 invalid-input'

const bodies: Row[] = [
  ['no body at all', POST, {}, '415 unsupported-media-type'],
  ['an empty body', POST, { raw: '' }, '400 malformed-json'],
  ['malformed JSON', POST, { raw: '{"body": "x"' }, '400 malformed-json'],
  ['JSON with a trailing comma', POST, { raw: '{"body": "x",}' }, '400 malformed-json'],
  ['two JSON values', POST, { raw: '{"body": "x"} {}' }, '400 malformed-json'],
  ['text', POST, { raw: 'body=x' }, '400 malformed-json'],
  ['NaN', POST, { raw: '{"body": NaN}' }, '400 malformed-json'],
  ['half of an escape', POST, { raw: '{"body": "\\u12"}' }, '400 malformed-json'],
  ['two byte order marks', POST, { raw: '\u{feff}\u{feff}{"body":"x"}' }, '400 malformed-json'],
  ['UTF-16', POST, { raw: Buffer.from('{"body":"x"}', 'utf16le') }, '400 malformed-json'],
  ['null', POST, { raw: 'null' }, invalid],
  ['a list', POST, { body: [{ body: 'x' }] }, invalid],
  ['a string', POST, { raw: '"x"' }, invalid],
  ['a number', POST, { raw: '1' }, invalid],
  ['no text', POST, { body: {} }, invalid],
  ['a number for text', POST, { body: { body: 1 } }, invalid],
  ['null for text', POST, { body: { body: null } }, invalid],
  ['a list for text', POST, { body: { body: ['x'] } }, invalid],
  ['an object for text', POST, { body: { body: { $gt: '' } } }, invalid],
  ['empty text', POST, { body: { body: '' } }, invalid],
  ['blank text', POST, { body: { body: ' \t\r\n\u00a0\u2003' } }, invalid],
  ['text of characters that nobody sees', POST, { body: { body: '\u200b\u200d\u2060\u{feff}' } }, invalid],
  ['text of right-to-left marks only', POST, { body: { body: '\u202e\u2067' } }, invalid],
  ['5,001 characters', POST, { body: { body: 'x'.repeat(5_001) } }, invalid],
  ['5,001 emoji', POST, { body: { body: '\u{1f600}'.repeat(5_001) } }, invalid],
  ['U+0000', POST, { body: { body: 'a\0b' } }, invalid],
  ['half of a surrogate pair', POST, { raw: '{"body":"a\\ud83d"}' }, invalid],
  ['the halves of a pair the wrong way round', POST, { raw: '{"body":"\\ude00\\ud83d"}' }, invalid],
  ['a field too many', POST, { body: { body: 'x', role: 'admin' } }, invalid],
  ['__proto__', POST, { raw: '{"body":"x","__proto__":{"role":"admin"}}' }, invalid],
  ['constructor', POST, { raw: '{"body":"x","constructor":{"prototype":{"role":"admin"}}}' }, invalid],
  ['text behind __proto__', POST, { raw: '{"__proto__":{"body":"x"}}' }, invalid],
  ['nesting', POST, { raw: deep(21) }, invalid],
  ['deep nesting', POST, { raw: deep(30_000) }, invalid],
  ['an author', POST, { body: { body: 'x', author: { id: 'eve' } } }, invalid],
  ['64 KiB and one byte', POST, { raw: `{"body":"${'x'.repeat(65_536 - 10)}"}` }, '413 body-too-large'],
  ['a megabyte', POST, { raw: 'x'.repeat(1_000_000) }, '413 body-too-large'],
  ['a megabyte in chunks', POST, { raw: 'x'.repeat(1_000_000), headers: { 'transfer-encoding': 'chunked' } }, '413 body-too-large'],
  ['a megabyte of blanks around', POST, { raw: `${' '.repeat(1_000_000)}{"body":"x"}` }, '413 body-too-large'],
  ['no content type', POST, { raw: '{"body":"x"}', headers: { 'content-type': 'none' } }, '415 unsupported-media-type'],
  ['a form', POST, { raw: 'body=x', headers: { 'content-type': 'application/x-www-form-urlencoded' } }, '415 unsupported-media-type'],
  ['text/plain', POST, { raw: '{"body":"x"}', headers: { 'content-type': 'text/plain' } }, '415 unsupported-media-type'],
  ['a like type', POST, { raw: '{"body":"x"}', headers: { 'content-type': 'application/jsonp' } }, '415 unsupported-media-type'],
  ['Latin-1', POST, { raw: '{"body":"x"}', headers: { 'content-type': 'application/json; charset=latin1' } }, '415 unsupported-media-type'],
  ['a compressed body', POST, { raw: '{"body":"x"}', headers: { 'content-encoding': 'gzip' } }, '415 unsupported-media-type'],
]

const replies: Row[] = [
  ['a parent that is a number', POST, { body: { body: 'x', parentId: 7 } }, invalid],
  ['a parent that is text', POST, { body: { body: 'x', parentId: 'first' } }, invalid],
  ['an empty parent', POST, { body: { body: 'x', parentId: '' } }, invalid],
  ['a parent of another topic', POST, { body: { body: 'x', parentId: 'OTHER' } }, '404 not-found'],
  ['a parent nobody wrote', POST, { body: { body: 'x', parentId: '019a0000-0000-7000-8000-000000000000' } }, '404 not-found'],
  ['a parent that is a UUIDv4', POST, { body: { body: 'x', parentId: '3f2b8c1e-6a4d-4f7b-9c2e-1d5a7b9e0f3c' } }, invalid],
]

const keys: Row[] = [
  ['a key used for another body', POST, { body: { body: 'other' }, headers: { 'idempotency-key': 'used' } }, '422 idempotency-key-reused'],
  ['an empty key', POST, { body: { body: 'x' }, headers: { 'idempotency-key': '' } }, invalid],
  ['a key of 129 characters', POST, { body: { body: 'x' }, headers: { 'idempotency-key': 'k'.repeat(129) } }, invalid],
  ['a key with a blank', POST, { body: { body: 'x' }, headers: { 'idempotency-key': 'a b' } }, invalid],
  ['a key that is not ASCII', POST, { body: { body: 'x' }, headers: { 'idempotency-key': 'k\u00e4y' } }, invalid],
]

const paths: Row[] = [
  ['a topic with a slash', 'POST /v1/topics/song%2Fx/comments', { body: { body: 'x' } }, invalid],
  ['a topic with U+0000', 'POST /v1/topics/song%00x/comments', { body: { body: 'x' } }, invalid],
  ['a topic with a blank', 'GET /v1/topics/song%20x/comments', {}, invalid],
  ['a topic with a new line', 'GET /v1/topics/song%0ax/comments', {}, invalid],
  ['a topic with a broken escape', 'GET /v1/topics/song%zz/comments', {}, invalid],
  ['a topic with broken UTF-8', 'GET /v1/topics/song%ff/comments', {}, invalid],
  ['a topic with a brace', 'GET /v1/topics/song%7Bx%7D/comments', {}, invalid],
  ['a topic that begins with a dot', 'GET /v1/topics/.song/comments', {}, invalid],
  ['a topic of 129 characters', `GET /v1/topics/${'x'.repeat(129)}/comments`, {}, invalid],
  ['a topic that is not allowed', 'POST /v1/topics/film:x/comments', { body: { body: 'x' } }, '403 topic-not-allowed'],
  ['reading a topic that is not allowed', 'GET /v1/topics/film:x/comments', {}, '403 topic-not-allowed'],
  ['the topic of the site', 'POST /v1/topics/ovation:site/comments', { body: { body: 'x' } }, '403 topic-not-allowed'],
  ['counts of the topic of the site', 'GET /v1/counts?topics=ovation:site', {}, '403 topic-not-allowed'],
  ['a comment that is garbage', `PATCH ${comments}/garbage`, { body: { body: 'x' } }, invalid],
  ['a comment that is a UUIDv4', `GET ${comments}/3f2b8c1e-6a4d-4f7b-9c2e-1d5a7b9e0f3c`, {}, invalid],
  ['a comment in upper case', `GET ${comments}/01A20CB8-6839-7000-8000-000000000000`, {}, invalid],
  ['a comment with a nonsense tail', `GET ${comments}/01a20cb8-6839-7000-8000-000000000001`, {}, invalid],
  ['a comment beyond all positions', `PUT ${comments}/ffffffff-ffff-7fff-8ff0-000000000000/like`, {}, invalid],
  ['a comment with a quote', `GET ${comments}/'%20or%201=1`, {}, invalid],
  ['a comment of another topic', `GET ${comments}/OTHER`, {}, '404 not-found'],
  ['liking a comment of another topic', `PUT ${comments}/OTHER/like`, {}, '404 not-found'],
  ['editing a comment of another topic', `PATCH ${comments}/OTHER`, { body: { body: 'x' } }, '404 not-found'],
  ['deleting a comment of another topic', `DELETE ${comments}/OTHER`, {}, '404 not-found'],
  ['pinning a comment of another topic', `PUT ${comments}/OTHER/pin`, { as: star }, '404 not-found'],
  [
    'hiding a comment of another topic',
    `PUT ${comments}/OTHER/visibility`,
    { as: mod, body: { state: 'hidden', reason: 'x' } },
    '404 not-found',
  ],
  ['reporting a comment of another topic', `POST ${comments}/OTHER/reports`, { body: { reason: 'x' } }, '404 not-found'],
  ['replies of a comment of another topic', `GET ${comments}/OTHER/replies`, {}, '404 not-found'],
]

const commands: Row[] = [
  ['an edit to nothing', `PATCH ${comments}/ID`, { body: { body: '' } }, invalid],
  ['an edit of another field', `PATCH ${comments}/ID`, { body: { body: 'x', pinned: true } }, invalid],
  ['an edit without JSON', `PATCH ${comments}/ID`, { raw: '{' }, '400 malformed-json'],
  ['an edit by another', `PATCH ${comments}/ID`, { as: { sub: 'bob' }, body: { body: 'x' } }, '403 not-the-author'],
  ['a deletion by another', `DELETE ${comments}/ID`, { as: { sub: 'bob' } }, '403 not-the-author'],
  ['a pin by a user', `PUT ${comments}/ID/pin`, {}, '403 not-allowed'],
  ['a pin by the artist of another topic', `PUT ${comments}/ID/pin`, { as: { ...star, topics: ['song:other'] } }, '403 not-allowed'],
  ['hiding by a user', `PUT ${comments}/ID/visibility`, { body: { state: 'hidden', reason: 'x' } }, '403 not-allowed'],
  ['hiding by the artist', `PUT ${comments}/ID/visibility`, { as: star, body: { state: 'hidden', reason: 'x' } }, '403 not-allowed'],
  ['a state there is not', `PUT ${comments}/ID/visibility`, { as: mod, body: { state: 'deleted', reason: 'x' } }, invalid],
  ['a state that is a list', `PUT ${comments}/ID/visibility`, { as: mod, body: { state: ['hidden'], reason: 'x' } }, invalid],
  ['hiding without a reason', `PUT ${comments}/ID/visibility`, { as: mod, body: { state: 'hidden' } }, invalid],
  ['hiding without JSON', `PUT ${comments}/ID/visibility`, { as: mod }, '415 unsupported-media-type'],
  ['a report without a reason', `POST ${comments}/ID/reports`, { body: { reason: '' } }, invalid],
  ['a report of 501 characters', `POST ${comments}/ID/reports`, { body: { reason: 'x'.repeat(501) } }, invalid],
  ['a report with more', `POST ${comments}/ID/reports`, { body: { reason: 'x', severity: 9 } }, invalid],
  [
    'a report with a long key',
    `POST ${comments}/ID/reports`,
    { body: { reason: 'x' }, headers: { 'idempotency-key': 'k'.repeat(129) } },
    invalid,
  ],
]

const queries: Row[] = [
  ['limit 0', `GET ${comments}?limit=0`, {}, invalid],
  ['limit 101', `GET ${comments}?limit=101`, {}, invalid],
  ['limit -1', `GET ${comments}?limit=-1`, {}, invalid],
  ['limit abc', `GET ${comments}?limit=abc`, {}, invalid],
  ['limit 1.5', `GET ${comments}?limit=1.5`, {}, invalid],
  ['limit 1e9', `GET ${comments}?limit=1e9`, {}, invalid],
  ['limit Infinity', `GET ${comments}?limit=Infinity`, {}, invalid],
  ['an empty limit', `GET ${comments}?limit=`, {}, invalid],
  ['two limits', `GET ${comments}?limit=1&limit=2`, {}, invalid],
  ['an unknown sort', `GET ${comments}?sort=best`, {}, invalid],
  ['sort by heat, which comes later', `GET ${comments}?sort=hot`, {}, invalid],
  ['two sorts', `GET ${comments}?sort=newest&sort=oldest`, {}, invalid],
  ['a cursor of the other sort', `GET ${comments}?sort=oldest&cursor=CURSOR`, {}, invalid],
  ['a cursor of garbage', `GET ${comments}?cursor=garbage`, {}, invalid],
  ['an empty cursor', `GET ${comments}?cursor=`, {}, invalid],
  ['a cursor like SQL', `GET ${comments}?cursor=1%27%20OR%20%271%27=%271`, {}, invalid],
  ['a cursor that is no base64', `GET ${comments}?cursor=%F0%9F%98%80`, {}, invalid],
  ['a long cursor', `GET ${comments}?cursor=${'A'.repeat(201)}`, {}, invalid],
  ['two cursors', `GET ${comments}?cursor=CURSOR&cursor=CURSOR`, {}, invalid],
  ['a cursor of roots for replies', `GET ${comments}/ID/replies?cursor=CURSOR`, {}, invalid],
  ['replies with limit 101', `GET ${comments}/ID/replies?limit=101`, {}, invalid],
  ['a write token of garbage', `GET ${comments}?after=garbage`, {}, invalid],
  ['a write token of another topic', `GET ${comments}?after=TOKEN`, {}, invalid],
  ['a long write token', `GET ${comments}?after=${'g1-'.repeat(100)}`, {}, invalid],
  ['a forged write token at a permalink', `GET ${comments}/ID?after=g1-0.AAAAAAAAAAAAAAAAAAAAAA`, {}, invalid],
  ['a write token of garbage for the viewer', `GET /v1/topics/${topic}/viewer?after=x`, {}, invalid],
  [
    'eleven write tokens for the viewer',
    `GET /v1/topics/${topic}/viewer?after=${Array.from({ length: 11 }, (_, n) => n).join(',')}`,
    {},
    invalid,
  ],
  ['the viewer with a comment of garbage', `GET /v1/topics/${topic}/viewer?comments=x`, {}, invalid],
  ['counts of nothing', 'GET /v1/counts', {}, invalid],
  ['counts of an empty list', 'GET /v1/counts?topics=', {}, invalid],
  ['counts of a gap', 'GET /v1/counts?topics=song:a,,song:b', {}, invalid],
  ['counts of no topic', 'GET /v1/counts?topics=song:a,*', {}, invalid],
  ['counts of 101 topics', `GET /v1/counts?topics=${Array.from({ length: 101 }, (_, n) => `song:${n}`).join(',')}`, {}, invalid],
  ['counts of two lists', 'GET /v1/counts?topics=song:a&topics=song:b', {}, invalid],
  ['topics with limit 0', 'GET /v1/topics?limit=0', {}, invalid],
]

const routes: Row[] = [
  ['an unknown route', 'GET /v1/nothing', {}, '404 not-found'],
  ['the root of the API', 'GET /v1', {}, '404 not-found'],
  ['a topic by itself', `GET /v1/topics/${topic}`, {}, '404 not-found'],
  ['a slash too many', `GET ${comments}/`, {}, '404 not-found'],
  ['two slashes', `GET //v1/topics/${topic}/comments`, {}, '404 not-found'],
  ['a way up', 'GET /v1/topics/../../etc/passwd', {}, '404 not-found'],
  ['metrics on the public port', 'GET /metrics', {}, '404 not-found'],
  ['POST on a comment', `POST ${comments}/ID`, { body: {} }, '405 method-not-allowed'],
  ['DELETE on the list', `DELETE ${comments}`, {}, '405 method-not-allowed'],
  ['GET on a like', `GET ${comments}/ID/like`, {}, '405 method-not-allowed'],
  ['PATCH on the visibility', `PATCH ${comments}/ID/visibility`, { body: {} }, '405 method-not-allowed'],
  ['PUT on counts', 'PUT /v1/counts', { body: {} }, '405 method-not-allowed'],
  ['OPTIONS, where no origin is allowed', `OPTIONS ${comments}`, {}, '405 method-not-allowed'],
  ['TRACE', `TRACE ${comments}`, {}, '405 method-not-allowed'],
  ['PROPFIND', `PROPFIND ${comments}`, {}, '405 method-not-allowed'],
  ['a method override', POST, { as: null, raw: '{}', headers: { 'x-http-method-override': 'DELETE' } }, '401 not-signed-in'],
  ['headers of 20 KB', `GET ${comments}`, { headers: { 'x-long': 'x'.repeat(20_000) } }, '431 request-header-fields-too-large'],
]

describe.each([
  ['bodies', bodies],
  ['replies', replies],
  ['idempotency keys', keys],
  ['paths', paths],
  ['commands', commands],
  ['queries', queries],
  ['routes', routes],
])('%s', (_, rows) => {
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
  expect([...bodies, ...replies, ...keys, ...paths, ...commands, ...queries, ...routes, ...credentials].length).toBeGreaterThan(150)
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
