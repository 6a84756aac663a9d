import { createRoute, z } from '@hono/zod-openapi'
import type { App } from '../app.ts'
import { readJson } from '../body.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { viewOfSnapshot } from '../read/comment-view.ts'
import { withEvent } from '../read/overlay.ts'
import { present } from '../read/present.ts'
import { WrittenComment, commentPath, json, problems, rateLimitHeaders } from '../schemas.ts'
import { appendOnComment } from './on-comment.ts'
import { Body } from './post-comment.ts'

const route = ({ authenticate, admit }: CommandDependencies) =>
  createRoute({
    method: 'patch',
    path: '/v1/topics/{topic}/comments/{id}',
    summary: 'Edit a comment, within the edit window',
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate, admit('comments'), readJson] as const,
    request: { params: commentPath, body: { required: true, content: { 'application/json': { schema: z.strictObject({ body: Body }) } } } },
    responses: {
      200: { ...json(WrittenComment, 'The comment as edited'), headers: rateLimitHeaders },
      ...problems(400, 401, 403, 404, 409, 413, 415, 422, 429, 503),
    },
  })

export function editComment(app: App, dependencies: CommandDependencies): void {
  const { reader, editWindowMs } = dependencies
  app.openapi(route(dependencies), async (c) => {
    const { topic, id } = c.req.valid('param')
    const outcome = await appendOnComment(c, dependencies, topic, id, {
      type: 'comment.edited',
      personal: { body: c.req.valid('json').body },
      target: { rootOf: 'comment', mustBeAuthor: true, windowMs: editWindowMs },
    })
    if (outcome.kind !== 'appended') throw new Error('an edit always appends')
    const { views } = await reader.byId(topic, [id], 3, viewOfSnapshot(topic, outcome.target!))
    return c.json({ ...present(withEvent(views[0]!, outcome.event)), writeToken: c.res.headers.get('Ovation-Write')! }, 200)
  })
}
