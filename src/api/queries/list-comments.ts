import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import { type Sort, readCursor } from '../cursor.ts'
import type { QueryDependencies } from '../dependencies.ts'
import type { Question } from '../read/page-cache.ts'
import type { Page, PageRequest } from '../read/read-page.ts'
import { CommentList, after, limit, problems, topicPath } from '../schemas.ts'
import { builtPage, pageWithWrite } from './present-page.ts'
import { cachedJson, keepPrivate, sendCached, setDegraded } from './send-cached.ts'

const usualLimit = 20
const route = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/comments',
  summary: "A topic's comments: pinned first, then roots with their first replies",
  description:
    'At most 3 pinned comments come first on the first page, outside `limit`. Pages follow `nextCursor`, never offsets. In hot order places ' +
    'move while one pages, and only the 1,000 roots with the best places are listed.',
  tags: ['queries'],
  request: {
    params: topicPath,
    query: z.object({
      sort: z.enum(['newest', 'oldest', 'hot']).default('newest'),
      limit: limit.default(usualLimit),
      cursor: z.string().max(200).optional(),
      after,
    }),
  },
  responses: { ...cachedJson(CommentList, 'The page'), ...problems(403, 422, 503) },
})

export function listComments(app: App, dependencies: QueryDependencies): void {
  app.openapi(route, async (c) => {
    const { topic } = c.req.valid('param')
    const { sort, limit: size, cursor, after: token } = c.req.valid('query')
    const request = { topic, root: null, ...readCursor(sort, cursor), limit: size, previews: 3 }
    const question = questionOf(dependencies.reader, request, sort)
    if (!token) return sendCached(c, dependencies, question)
    const write = await dependencies.readOwnWrite(topic, token)
    dependencies.reads.count(topic)
    const { body, degraded } = await pageWithWrite(dependencies, question, write, request, sort)
    keepPrivate(c)
    setDegraded(c, degraded)
    return c.json(body as never, 200)
  })
}

function questionOf(reader: QueryDependencies['reader'], request: PageRequest, sort: Sort): Question<Page> {
  const { topic, after: from, limit: size } = request
  const isFirst = from === ''
  return {
    key: `list ${topic} ${sort} ${size} ${from}`,
    topic,
    isLive: isFirst && sort !== 'oldest',
    ...(isFirst && size === usualLimit && sort !== 'oldest' ? { copy: sort } : {}),
    async build(unless, known) {
      const page = await reader.page(request, unless, known)
      // Begun without its ranks, and gone on with in the same order.
      if (page && sort === 'hot' && request.order !== 'hot') page.degraded.add('order')
      return page && builtPage(page, sort)
    },
  }
}
