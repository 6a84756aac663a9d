import { createRoute, z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import { cursorOf, positionInCursor } from '../cursor.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { subjectOf } from '../read/overlay.ts'
import { CommentList, after, commentPath, json, limit, problems } from '../schemas.ts'
import { presentPage } from './present-page.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/comments/{id}/replies',
  summary: 'All replies under a root, flat, oldest first',
  tags: ['queries'],
  request: { params: commentPath, query: z.object({ limit: limit.default(20), cursor: z.string().max(200).optional(), after }) },
  responses: { 200: json(CommentList, 'The page'), ...problems(403, 404, 422, 503) },
})

export function listReplies(app: App, dependencies: QueryDependencies): void {
  app.openapi(route, async (c) => {
    const { topic, id: root } = c.req.valid('param')
    const { limit: size, cursor, after: token } = c.req.valid('query')
    const request = { topic, root, order: 'oldest' as const, after: positionInCursor('oldest', cursor), limit: size, previews: 0 }
    const [write, page] = await Promise.all([dependencies.readOwnWrite(topic, token), dependencies.reader.page(request)])
    const { items, nextAfter, degraded } = await presentPage(dependencies, page, write, request)
    const isNew = write.event !== undefined && subjectOf(write.event) === root
    if (items.length === 0 && request.after === '' && !isNew && !(await exists(dependencies, topic, root))) {
      throw new DomainError('not-found', 'no such comment under this topic')
    }
    if (token) c.header('Cache-Control', 'private, no-store')
    return c.json({ items, nextCursor: nextAfter && cursorOf('oldest', nextAfter), degraded }, 200)
  })
}

async function exists({ reader }: QueryDependencies, topic: string, id: string): Promise<boolean> {
  const { views, degraded } = await reader.byId(topic, [id])
  return views.length > 0 || degraded.size > 0
}
