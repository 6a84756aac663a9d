import { createRoute, z } from '@hono/zod-openapi'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { createApp } from './create-app.ts'
import { statusOf } from './problem.ts'

const Comment = z
  .object({ id: z.string(), body: z.string().nullable(), author: z.object({ name: z.string() }), state: z.enum(['visible', 'hidden']) })
  .openapi('Comment')
const app = createApp({
  config: { allowedOrigins: [] },
  log: pino({ level: 'silent' }),
  checks: [],
  role: 'all',
  queries: (app) => {
    const route = createRoute({
      method: 'get',
      path: '/v1/topics/{topic}/comments',
      summary: 'Lists <b>comments</b>',
      security: [{ bearer: [] }],
      request: {
        params: z.object({ topic: z.string() }),
        query: z.object({ limit: z.coerce.number().int().min(1).max(100).optional().openapi({ description: 'How many' }) }),
      },
      responses: { 200: { description: 'the `page`', content: { 'application/json': { schema: z.object({ items: z.array(Comment) }) } } } },
    })
    app.openapi(route, (c) => c.json({ items: [] }))
  },
})
const read = async (path: string) => {
  const response = await app.request(path)
  return { response, text: await response.text() }
}

test('the document is OpenAPI 3.1', async () => {
  const document = JSON.parse((await read('/openapi.json')).text) as { openapi: string; paths: object; components: { schemas: object } }
  expect(document.openapi).toBe('3.1.0')
  expect(Object.keys(document.paths)).toEqual(['/v1/topics/{topic}/comments'])
  expect(Object.keys(document.components.schemas)).toContain('Comment')
})

test('the page shows calls, parameters, answers, schemas and every problem', async () => {
  const { response, text } = await read('/docs')
  expect(response.headers.get('content-type')).toContain('text/html')
  for (const said of [
    '/v1/topics/{topic}/comments',
    'Bearer token',
    'limit',
    'How many',
    '1 to 100',
    '#schema-Comment',
    'id="schema-Comment"',
    '&quot;hidden&quot;',
    '<code>page</code>',
  ]) {
    expect(text).toContain(said)
  }
  for (const code of Object.keys(statusOf)) expect(text).toContain(`<code>${code}</code>`)
  expect(text).toContain('Lists &lt;b&gt;comments&lt;/b&gt;')
})

test('the page needs nothing from elsewhere and runs nothing', async () => {
  const { response, text } = await read('/docs')
  expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
  expect(text).not.toMatch(/<script|<link|<img|src=|@import|url\(|https?:\/\/|undefined|\[object/)
  const targets = [...text.matchAll(/href="#([^"]+)"/g)].map(([, id]) => id)
  expect(targets.filter((id) => !text.includes(`id="${id}"`))).toEqual([])
})
