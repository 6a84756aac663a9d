import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import { Text, readJson } from '../body.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { idempotencyKeyOf, idempotencyParameter } from '../idempotency-key.ts'
import { commentPath, problems, rateLimitHeaders } from '../schemas.ts'
import { appendOnComment } from './on-comment.ts'

const route = ({ authenticate, admit }: CommandDependencies) =>
  createRoute({
    method: 'post',
    path: '/v1/topics/{topic}/comments/{id}/reports',
    summary: 'Report a comment to the moderators',
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate, admit('reports'), readJson] as const,
    parameters: [idempotencyParameter],
    request: {
      params: commentPath,
      body: { required: true, content: { 'application/json': { schema: z.strictObject({ reason: Text(1, 500) }) } } },
    },
    responses: { 202: { description: 'Taken', headers: rateLimitHeaders }, ...problems(400, 401, 403, 404, 413, 415, 422, 429, 503) },
  })

export function reportComment(app: App, dependencies: CommandDependencies): void {
  app.openapi(route(dependencies), async (c) => {
    const { topic, id } = c.req.valid('param')
    const { reason } = c.req.valid('json')
    await appendOnComment(c, dependencies, topic, id, {
      type: 'comment.reported',
      personal: { reason },
      idempotency: { key: idempotencyKeyOf(c), request: `report\n${id}\n${reason}` },
    })
    return c.body(null, 202)
  })
}
