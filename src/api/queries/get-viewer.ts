import { createRoute, z } from '@hono/zod-openapi'
import { positionOfComment } from '../../events/position.ts'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { presentPosted } from '../read/present.ts'
import { Comment, CommentId, json, problems, topicPath } from '../schemas.ts'
import { keepPrivate, setDegraded } from './send-cached.ts'

const Viewer = z
  .object({
    liked: z.array(CommentId).openapi({ description: 'Those of `comments` that the viewer likes' }),
    fresh: z.array(Comment).openapi({ description: 'The comments behind the write tokens in `after`, as posted' }),
    degraded: z.array(z.enum(['liked', 'after'])),
  })
  .openapi('Viewer')

const split = (text: string | undefined) => (text ? [...new Set(text.split(','))] : [])
const query = z.object({
  comments: z.string().max(4_000).optional().openapi({ description: 'Up to 100 comment ids, separated by commas' }),
  after: z.string().max(2_000).optional().openapi({ description: "Up to 10 of the viewer's write tokens, separated by commas" }),
})

const route = (authenticate: QueryDependencies['authenticate']) =>
  createRoute({
    method: 'get',
    path: '/v1/topics/{topic}/viewer',
    summary: "What is the viewer's own: likes, and comments just written",
    tags: ['queries'],
    security: [{ bearer: [] }],
    middleware: [authenticate] as const,
    request: { params: topicPath, query },
    responses: { 200: json(Viewer, 'Never cached'), ...problems(401, 403, 422, 503) },
  })

export function getViewer(app: App, dependencies: QueryDependencies): void {
  app.openapi(route(dependencies.authenticate), async (c) => {
    const { topic } = c.req.valid('param')
    const [comments, tokens] = [split(c.req.valid('query').comments), split(c.req.valid('query').after)]
    if (comments.length > 100 || tokens.length > 10 || comments.some((id) => !positionOfComment(id))) {
      const message = 'must be at most 100 comment ids in `comments` and 10 write tokens in `after`'
      throw new DomainError('invalid-input', 'the request is not valid', { issues: [{ path: 'comments', message }] })
    }
    const user = c.var.user.id
    const [liked, writes] = await Promise.all([
      dependencies.readLiked(topic, user, comments).catch(() => undefined),
      Promise.all(tokens.map((token) => dependencies.readOwnWrite(topic, token))),
    ])
    const fresh = writes.flatMap(({ event }) => (event?.type === 'comment.posted' && event.actor === user ? [presentPosted(event)] : []))
    keepPrivate(c)
    const lacking = [...(liked ? [] : (['liked'] as const)), ...(writes.some(({ isUnknown }) => isUnknown) ? (['after'] as const) : [])]
    setDegraded(c, lacking)
    return c.json({ liked: liked ?? [], fresh, degraded: lacking }, 200)
  })
}
