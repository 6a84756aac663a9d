import { createRoute } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { commentPath, problems } from '../schemas.ts'
import { appendOnComment, requireSayOver } from './on-comment.ts'

const route = (method: 'put' | 'delete', authenticate: CommandDependencies['authenticate']) =>
  createRoute({
    method,
    path: '/v1/topics/{topic}/comments/{id}/pin',
    summary: method === 'put' ? 'Pin a comment' : 'Unpin a comment',
    description: "The topic's artist or a moderator. The newest three pins are shown.",
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate] as const,
    request: { params: commentPath },
    responses: { 204: { description: 'Done, repeated too' }, ...problems(401, 403, 404, 422, 503) },
  })

export function pinComment(app: App, dependencies: CommandDependencies): void {
  for (const method of ['put', 'delete'] as const) {
    app.openapi(route(method, dependencies.authenticate), async (c) => {
      const { topic, id } = c.req.valid('param')
      requireSayOver(c, topic)
      const isPin = method === 'put'
      await appendOnComment(c, dependencies, topic, id, {
        type: isPin ? 'comment.pinned' : 'comment.unpinned',
        ...(isPin ? { personal: {} } : {}),
        priority: true,
        target: { rootOf: 'comment', withSnapshot: isPin },
      })
      return c.body(null, 204)
    })
  }
}
