import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import { cursorOf, positionInCursor } from '../cursor.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { CommentList, after, json, limit, problems, topicPath } from '../schemas.ts'
import { presentPage } from './present-page.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/comments',
  summary: "A topic's comments: pinned first, then roots with their first replies",
  description: 'At most 3 pinned comments come first on the first page, outside `limit`. Pages follow `nextCursor`, never offsets.',
  tags: ['queries'],
  request: {
    params: topicPath,
    query: z.object({
      sort: z.enum(['newest', 'oldest']).default('newest'),
      limit: limit.default(20),
      cursor: z.string().max(200).optional(),
      after,
    }),
  },
  responses: { 200: json(CommentList, 'The page'), ...problems(403, 422, 503) },
})

export function listComments(app: App, dependencies: QueryDependencies): void {
  app.openapi(route, async (c) => {
    const { topic } = c.req.valid('param')
    const { sort: order, limit: size, cursor, after: token } = c.req.valid('query')
    const request = { topic, root: null, order, after: positionInCursor(order, cursor), limit: size, previews: 3 }
    const [write, page] = await Promise.all([dependencies.readOwnWrite(topic, token), dependencies.reader.page(request)])
    if (token) c.header('Cache-Control', 'private, no-store')
    const { items, nextAfter, degraded } = await presentPage(dependencies, page, write, request)
    return c.json({ items, nextCursor: nextAfter && cursorOf(order, nextAfter), degraded }, 200)
  })
}
