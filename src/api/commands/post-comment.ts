import { createRoute, z } from '@hono/zod-openapi'
import type { Outcome } from '../../events/append.ts'
import { commentIdAt, positionOfEntry } from '../../events/position.ts'
import { DomainError } from '../../errors.ts'
import { snapshotOf } from '../../projections/comments.ts'
import type { App } from '../app.ts'
import { hasSayOver } from '../auth.ts'
import { Text, readJson } from '../body.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { type CommentView, viewOfSnapshot } from '../read/comment-view.ts'
import { present } from '../read/present.ts'
import { CommentId, WrittenComment, json, problems, topicPath } from '../schemas.ts'

export const Body = Text(1, 5_000)

const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,128}$/, 'must be 1 to 128 visible ASCII characters')
  .optional()
  .openapi({ description: 'A repeated request with the same key gets the first answer' })
export const idempotencyHeaders = z.object({ 'idempotency-key': IdempotencyKey })

const route = (authenticate: CommandDependencies['authenticate']) =>
  createRoute({
    method: 'post',
    path: '/v1/topics/{topic}/comments',
    summary: 'Post a comment, or a reply to one',
    tags: ['commands'],
    security: [{ bearer: [] }],
    middleware: [authenticate, readJson] as const,
    request: {
      params: topicPath,
      headers: idempotencyHeaders,
      body: { required: true, content: { 'application/json': { schema: z.strictObject({ body: Body, parentId: CommentId.nullish() }) } } },
    },
    responses: { 201: json(WrittenComment, 'The comment, in the log and fsynced'), ...problems(400, 401, 403, 404, 413, 415, 422, 503) },
  })

export function postComment(app: App, { append, tokens, reader, authenticate }: CommandDependencies): void {
  app.openapi(route(authenticate), async (c) => {
    const { topic } = c.req.valid('param')
    const { body, parentId = null } = c.req.valid('json')
    const { id: actor, name, picture, role } = c.var.user
    const isArtist = role !== 'user' && hasSayOver(c.var.user, topic)
    const outcome = await append({
      type: 'comment.posted',
      topic,
      actor,
      correlationId: c.var.correlationId,
      facts: { role: isArtist ? role : 'user', parentId, writtenAt: null, ...(parentId ? {} : { rootId: null }) },
      personal: { name, ...(picture ? { picture } : {}), body },
      priority: isArtist,
      idempotency: { key: c.req.valid('header')['idempotency-key'], request: `post\n${parentId ?? ''}\n${body}` },
      ...(parentId ? { target: { commentId: parentId, rootOf: 'reply', withSnapshot: isArtist } } : {}),
    })
    if (outcome.kind === 'unchanged') throw new Error('a post always appends')
    const view = await viewOf(topic, outcome, reader)
    const writeToken = tokens.sign({ topic, lane: outcome.entryLane, entryId: outcome.entryId })
    c.header('Ovation-Write', writeToken)
    c.header('Location', `/v1/topics/${topic}/comments/${view.commentId}`)
    return c.json({ ...present(view), writeToken }, 201)
  })
}

type Posted = Exclude<Outcome, { kind: 'unchanged' }>

/** The first answer, also for a repeated request, as the event recorded it. */
async function viewOf(topic: string, outcome: Posted, reader: CommandDependencies['reader']): Promise<CommentView> {
  if (outcome.kind !== 'repeated-and-trimmed') {
    if (outcome.event.type !== 'comment.posted')
      throw new DomainError('idempotency-key-reused', 'this Idempotency-Key was used for another request')
    return viewOfSnapshot(topic, snapshotOf(outcome.event))
  }
  const { views } = await reader.byId(topic, [commentIdAt(positionOfEntry(outcome.entryId))])
  if (!views[0]) throw new DomainError('unavailable', 'the comment was accepted and cannot be read now; repeat the request')
  return views[0]
}
