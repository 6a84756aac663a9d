import { createRoute } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import { hasSayOver } from '../auth.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { commentPath, problems, rateLimitHeaders } from '../schemas.ts'
import { appendOnComment } from './on-comment.ts'

const route = ({ authenticate, admit }: CommandDependencies) =>
  createRoute({
    method: 'delete',
    path: '/v1/topics/{topic}/comments/{id}',
    summary: 'Delete a comment: its author, or a moderator',
    description: 'A tombstone stays where replies hang. Repeating it changes nothing.',
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate, admit('comments')] as const,
    request: { params: commentPath },
    responses: { 204: { description: 'Deleted', headers: rateLimitHeaders }, ...problems(401, 403, 404, 422, 429, 503) },
  })

export function deleteComment(app: App, dependencies: CommandDependencies): void {
  app.openapi(route(dependencies), async (c) => {
    const { topic, id } = c.req.valid('param')
    const { user } = c.var
    const isModerator = (user.role === 'moderator' || user.role === 'admin') && hasSayOver(user, topic)
    await appendOnComment(c, dependencies, topic, id, {
      type: 'comment.deleted',
      facts: { by: isModerator ? 'moderator' : 'author' },
      target: { rootOf: 'comment', mustBeAuthor: !isModerator },
    })
    return c.body(null, 204)
  })
}
