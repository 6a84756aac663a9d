import { createRoute, z } from '@hono/zod-openapi'
import { snapshotOf } from '../../projections/comments.ts'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { likeNotCounted } from '../read/adjust-likes.ts'
import { type CommentView, viewOfSnapshot } from '../read/comment-view.ts'
import { subjectOf, withEvent } from '../read/overlay.ts'
import { present } from '../read/present.ts'
import { Comment, after, commentPath, degraded, json, problems } from '../schemas.ts'

const Permalink = z
  .object({ comment: Comment, root: Comment.nullable(), previous: Comment.nullable(), next: Comment.nullable(), degraded })
  .openapi('Permalink')

const route = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/comments/{id}',
  summary: 'One comment with its root and neighbours',
  description: '`previous` and `next` are the comments directly older and newer among its siblings.',
  tags: ['queries'],
  request: { params: commentPath, query: z.object({ after }) },
  responses: { 200: json(Permalink, 'The comment'), ...problems(403, 404, 422, 503) },
})

export function getComment(app: App, dependencies: QueryDependencies): void {
  const { reader, readOwnWrite, redis, keys } = dependencies
  app.openapi(route, async (c) => {
    const { topic, id } = c.req.valid('param')
    const { after: token } = c.req.valid('query')
    const [{ event, isUnknown }, { views, degraded: lacking }] = await Promise.all([
      readOwnWrite(topic, token),
      reader.byId(topic, [id], 3),
    ])
    const posted = event?.type === 'comment.posted' && subjectOf(event) === id ? viewOfSnapshot(topic, snapshotOf(event)) : undefined
    const found = views[0] ?? posted
    if (!found && lacking.size > 0) throw new DomainError('unavailable', 'the comment cannot be read now')
    if (!found) throw new DomainError('not-found', 'no such comment under this topic')
    const likes = event && subjectOf(event) === id ? await likeNotCounted(redis, keys, event) : 0
    const view: CommentView = event ? { ...withEvent(found, event), likes: found.likes === null ? null : found.likes + likes } : found
    const [root, beside] = await Promise.all([
      view.rootId ? reader.byId(topic, [view.rootId], 3) : undefined,
      reader.neighbours(view).catch(() => {
        lacking.add('older')
        return { previous: undefined, next: undefined }
      }),
    ])
    if (token) c.header('Cache-Control', 'private, no-store')
    const shown = (other: CommentView | undefined) => (other ? present(other) : null)
    return c.json(
      {
        comment: present(view),
        root: shown(root?.views[0]),
        previous: shown(beside.previous),
        next: shown(beside.next),
        degraded: [...lacking, ...(isUnknown ? (['after'] as const) : [])],
      },
      200,
    )
  })
}
