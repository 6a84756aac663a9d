import { createRoute, z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import { readCursor } from '../cursor.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { subjectOf } from '../read/overlay.ts'
import type { Question } from '../read/page-cache.ts'
import { requireTold } from '../read/read-comments.ts'
import type { Page } from '../read/read-page.ts'
import { CommentList, after, commentPath, limit, problems } from '../schemas.ts'
import { builtPage, pageWithWrite } from './present-page.ts'
import { cachedJson, keepPrivate, sendCached, setDegraded } from './send-cached.ts'

const route = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/comments/{id}/replies',
  summary: 'All replies under a root, flat, oldest first',
  tags: ['queries'],
  request: { params: commentPath, query: z.object({ limit: limit.default(20), cursor: z.string().max(200).optional(), after }) },
  responses: { ...cachedJson(CommentList, 'The page'), ...problems(403, 404, 422, 503) },
})

type Replies = { topic: string; root: string; order: 'oldest'; after: string; limit: number; previews: number }

export function listReplies(app: App, dependencies: QueryDependencies): void {
  app.openapi(route, async (c) => {
    const { topic, id: root } = c.req.valid('param')
    const { limit: size, cursor, after: token } = c.req.valid('query')
    const from = readCursor('oldest', cursor).after
    const request = { topic, root, order: 'oldest' as const, after: from, limit: size, previews: 0 }
    const question = questionOf(dependencies.reader, request)
    if (!token) return sendCached(c, dependencies, question)
    const write = await dependencies.readOwnWrite(topic, token)
    dependencies.reads.count(topic)
    keepPrivate(c)
    const { body, degraded, isMissing } = await pageWithWrite(dependencies, question, write, request, 'oldest')
    const isNew = write.event !== undefined && subjectOf(write.event) === root
    if (isMissing && body.items.length === 0 && !isNew) throw new DomainError('not-found', 'no such comment under this topic')
    setDegraded(c, degraded)
    return c.json(body as never, 200)
  })
}

function questionOf(reader: QueryDependencies['reader'], request: Replies): Question<Page> {
  const { topic, root, after: from, limit: size } = request
  return {
    key: `replies ${topic} ${root} ${size} ${from}`,
    topic,
    async build(unless, known) {
      const page = await reader.page(request, unless, known)
      const isMissing = page?.items.length === 0 && from === '' && !(await exists(reader, topic, root))
      return page && { ...builtPage(page, 'oldest'), isMissing }
    },
  }
}

async function exists(reader: QueryDependencies['reader'], topic: string, id: string): Promise<boolean> {
  const found = await reader.byId(topic, [id])
  requireTold(found)
  return found.views.length > 0
}
