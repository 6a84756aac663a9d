import { createRoute, z } from '@hono/zod-openapi'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { Text, maxBodyBytes, readJson } from './body.ts'
import { createApp } from './create-app.ts'

const app = createApp({
  config: { allowedOrigins: [] },
  log: pino({ level: 'silent' }),
  checks: [],
  role: 'all',
  commands: (app) => {
    const Body = z.object({ body: Text(1, 10), parentId: z.string().optional(), more: z.unknown().optional() })
    const request = { body: { required: true, content: { 'application/json': { schema: Body } } } } as const
    const route = createRoute({
      method: 'post',
      path: '/echo',
      middleware: [readJson],
      request,
      responses: { 200: { description: 'the text' } },
    })
    app.openapi(route, (c) => c.json(c.req.valid('json')))
  },
})

const json = { 'content-type': 'application/json' }
type BodyInit = ConstructorParameters<typeof Response>[0]
async function post(body: BodyInit, headers: Record<string, string> = json) {
  const response = await app.request('/echo', {
    method: 'POST',
    headers,
    body,
    ...(body instanceof ReadableStream ? { duplex: 'half' } : {}),
  })
  const answer = (await response.json()) as { body?: string; code?: string; issues?: { path: string; message: string }[] }
  return { status: response.status, ...answer }
}
const nested = (depth: number) => `{"body":"x","more":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
const streamed = (bytes: number, counted: { sent: number }) =>
  new ReadableStream<Uint8Array>({
    pull(controller) {
      if (counted.sent >= bytes) return controller.close()
      counted.sent += 8_192
      return controller.enqueue(new Uint8Array(8_192).fill(32))
    },
  })

describe('a body', () => {
  test('is read', async () => expect(await post('{"body":" hello "}')).toMatchObject({ status: 200, body: 'hello' }))
  test.each(['application/json', 'application/json; charset=utf-8', 'Application/JSON;charset=UTF-8'])('may be %s', async (type) =>
    expect((await post('{"body":"x"}', { 'content-type': type })).status).toBe(200),
  )
  test('may come in pieces of unknown length', async () => {
    const pieces = new Blob(['{"body":', '"ü"}']).stream()
    expect(await post(pieces)).toMatchObject({ status: 200, body: 'ü' })
  })

  test.each<[string, BodyInit, Record<string, string>, number, string]>([
    ['that is no JSON', '{"body":', json, 400, 'malformed-json'],
    ['that is empty', '', json, 400, 'malformed-json'],
    ['of invalid UTF-8 in place of syntax', Buffer.from([0x7b, 0xff]), json, 400, 'malformed-json'],
    ['without a media type', Buffer.from('{}'), {}, 415, 'unsupported-media-type'],
    ['of text', '{}', { 'content-type': 'text/plain' }, 415, 'unsupported-media-type'],
    ['of a form', 'body=x', { 'content-type': 'application/x-www-form-urlencoded' }, 415, 'unsupported-media-type'],
    ['of another JSON', '{}', { 'content-type': 'application/vnd.api+json' }, 415, 'unsupported-media-type'],
    ['of another charset', '{}', { 'content-type': 'application/json; charset=latin1' }, 415, 'unsupported-media-type'],
    ['that is compressed', 'x', { ...json, 'content-encoding': 'gzip' }, 415, 'unsupported-media-type'],
    ['announced too large', 'x', { ...json, 'content-length': '65537' }, 413, 'body-too-large'],
    ['nested too deep', nested(21), json, 422, 'invalid-input'],
    ['that is a list', '[]', json, 422, 'invalid-input'],
    ['that is null', 'null', json, 422, 'invalid-input'],
    ['without the text', '{}', json, 422, 'invalid-input'],
    ['whose text is a number', '{"body":1}', json, 422, 'invalid-input'],
  ])('%s is refused', async (_, body, headers, status, code) => expect(await post(body, headers)).toMatchObject({ status, code }))

  test('may be nested 20 deep, and hold brackets in strings', async () => {
    expect((await post(nested(20))).status).toBe(200)
    expect((await post(`{"body":"x","more":"${'['.repeat(50)}\\"${'{'.repeat(50)}\\\\"}`)).status).toBe(200)
    expect((await post(`{"body":"x","more":"\\\\","a":${'['.repeat(20)}${']'.repeat(20)}}`)).status).toBe(422)
  })

  test('of unknown length is cut off soon after 64 KiB', async () => {
    const counted = { sent: 0 }
    expect(await post(streamed(10_000_000, counted))).toMatchObject({ status: 413, code: 'body-too-large' })
    expect(counted.sent).toBeLessThan(maxBodyBytes * 2)
  })

  test('of invalid text says which field', async () => {
    expect((await post('{"body":"","parentId":7}')).issues).toEqual([
      { path: 'body', message: 'must be at least 1 characters' },
      { path: 'parentId', message: expect.stringContaining('expected string') },
    ])
  })
})

describe('a text', () => {
  const text = Text(1, 10)
  test.each([
    ['  a b\n', 'a b'],
    ['e\u0301', 'é'],
    ['😀'.repeat(10), '😀'.repeat(10)],
    ['\u200d😀', '\u200d😀'],
    ['a\u200b', 'a\u200b'],
  ])('%j is taken as %j', (given, taken) => expect(text.parse(given)).toBe(taken))
  test.each(['', '   \n\t', '\u200b\u200b', '\u00a0', 'x'.repeat(11), '😀'.repeat(11), 'a\0b', '\ud83d', 'a\ude00b', '\u0001'])(
    '%j is refused',
    (given) => expect(text.safeParse(given).success).toBe(false),
  )
  test('counts after normalising', () => {
    expect(text.safeParse('e\u0301'.repeat(10)).success).toBe(true)
    expect(text.safeParse('\ufb2c'.repeat(4)).success).toBe(false)
  })
})
