import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import { Text, readJson } from '../body.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { commentPath, problems } from '../schemas.ts'
import { appendOnComment, requireSayOver } from './on-comment.ts'

const Visibility = z.strictObject({ state: z.enum(['visible', 'hidden']), reason: Text(1, 500) })

const route = (authenticate: CommandDependencies['authenticate']) =>
  createRoute({
    method: 'put',
    path: '/v1/topics/{topic}/comments/{id}/visibility',
    summary: 'Hide a comment or show it again: a moderator',
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate, readJson] as const,
    request: { params: commentPath, body: { required: true, content: { 'application/json': { schema: Visibility } } } },
    responses: { 204: { description: 'Done, repeated too' }, ...problems(400, 401, 403, 404, 413, 415, 422, 503) },
  })

export function setVisibility(app: App, dependencies: CommandDependencies): void {
  app.openapi(route(dependencies.authenticate), async (c) => {
    const { topic, id } = c.req.valid('param')
    requireSayOver(c, topic, ['moderator', 'admin'])
    const { state, reason } = c.req.valid('json')
    await appendOnComment(c, dependencies, topic, id, {
      type: state === 'hidden' ? 'comment.hidden' : 'comment.restored',
      personal: { reason },
      priority: true,
      target: { rootOf: 'comment' },
    })
    return c.body(null, 204)
  })
}
