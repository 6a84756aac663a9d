import { createRoute } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { commentPath, problems, rateLimitHeaders } from '../schemas.ts'
import { appendOnComment } from './on-comment.ts'

const route = (method: 'put' | 'delete', { authenticate, admit }: CommandDependencies) =>
  createRoute({
    method,
    path: '/v1/topics/{topic}/comments/{id}/like',
    summary: method === 'put' ? 'Like a comment' : 'Take a like back',
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate, admit('likes')] as const,
    request: { params: commentPath },
    responses: { 204: { description: 'Done, repeated too', headers: rateLimitHeaders }, ...problems(401, 403, 404, 422, 429, 503) },
  })

export function likeComment(app: App, dependencies: CommandDependencies): void {
  for (const method of ['put', 'delete'] as const) {
    app.openapi(route(method, dependencies), async (c) => {
      const { topic, id } = c.req.valid('param')
      const type = method === 'put' ? 'comment.liked' : 'comment.unliked'
      await appendOnComment(c, dependencies, topic, id, { type, target: { rootOf: 'comment' } })
      return c.body(null, 204)
    })
  }
}
