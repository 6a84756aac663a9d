import { createRoute, z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import type { CommentView } from '../read/comment-view.ts'
import { isPinApplied, likeNotCounted } from '../read/not-applied.ts'
import { carriedSubject, subjectOf, withWrite } from '../read/overlay.ts'
import { present } from '../read/present.ts'
import { Comment, after, commentPath, degraded, json, problems } from '../schemas.ts'
import { subjectFor, withLikes } from './present-page.ts'

/** Not `.nullable()`: of a named schema that becomes `allOf`, which no null fits. */
const maybe = z.union([Comment, z.null()])
const Permalink = z.object({ comment: Comment, root: maybe, previous: maybe, next: maybe, degraded }).openapi('Permalink')

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
    const { event, isUnknown } = await readOwnWrite(topic, token)
    const isSubject = event !== undefined && subjectOf(event) === id
    const { views, degraded } = await reader.byId(topic, [id], 3, isSubject ? carriedSubject(event) : undefined)
    const found = views[0]
    if (!found && degraded.size > 0) throw new DomainError('unavailable', 'the comment cannot be read now')
    if (!found) throw new DomainError('not-found', 'no such comment under this topic')
    const [root, beside, likes, isApplied] = await Promise.all([
      found.rootId ? reader.byId(topic, [found.rootId], 3) : undefined,
      reader.neighbours(found).catch(() => {
        degraded.add('older')
        return { previous: undefined, next: undefined }
      }),
      event ? likeNotCounted(redis, keys, event) : 0,
      event ? isPinApplied(redis, keys, event) : true,
    ])
    const items = [found, root?.views[0], beside.previous, beside.next].filter((view) => view !== undefined)
    const subject = event && !isApplied ? await subjectFor(reader, { pinned: [], items }, event, 0) : undefined
    const shown = (view: CommentView) => present(event ? withLikes(isApplied ? view : withWrite(view, event, subject), event, likes) : view)
    const other = (view: CommentView | undefined) => (view ? shown(view) : null)
    if (token) c.header('Cache-Control', 'private, no-store')
    const lacking = [...degraded, ...(isUnknown ? (['after'] as const) : [])]
    const answer = {
      comment: shown(found),
      root: other(root?.views[0]),
      previous: other(beside.previous),
      next: other(beside.next),
      degraded: lacking,
    }
    return c.json(answer, 200)
  })
}
