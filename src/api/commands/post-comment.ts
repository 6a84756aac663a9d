import { createRoute, z } from '@hono/zod-openapi'
import { commentIdAt, positionOfEntry } from '../../events/position.ts'
import { DomainError } from '../../errors.ts'
import type { Recorded } from '../../events/recorded.ts'
import type { App } from '../app.ts'
import { Text, jsonOf, parsed, readJson } from '../body.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { appendWithin, isHeard } from '../limits/admit.ts'
import { present, presentPosted } from '../read/present.ts'
import { idempotencyKeyOf, idempotencyParameter } from '../idempotency-key.ts'
import { CommentId, type CommentJson, WrittenComment, json, problems, rateLimitHeaders, topicPath } from '../schemas.ts'

export const Body = Text(1, 5_000)

const Post = z.strictObject({ body: Body, parentId: CommentId.nullish() })

const route = createRoute({
  method: 'post',
  path: '/v1/topics/{topic}/comments',
  summary: 'Post a comment, or a reply to one',
  tags: ['commands'],
  security: [{ bearer: [] }],
  parameters: [idempotencyParameter],
  request: {
    params: topicPath,
    body: { required: true, content: { 'application/json': { schema: Post } } },
  },
  responses: {
    201: { ...json(WrittenComment, 'The comment, in the log and fsynced'), headers: rateLimitHeaders },
    ...problems(400, 401, 403, 404, 413, 415, 422, 429, 503),
  },
})

export function postComment(app: App, { append, tokens, reader, authenticate, admit }: CommandDependencies): void {
  // The busiest call by far: validated here, in one step, instead of by the chain of validators (65 µs a request less).
  app.openAPIRegistry.registerPath(route)
  app.post(route.getRoutingPath(), authenticate, admit('comments'), readJson, async (c) => {
    const topic = c.req.param('topic')
    const { body, parentId = null } = parsed(Post, await jsonOf(c))
    const { id: actor, name, picture, role } = c.get('user')
    const isArtist = isHeard(c, topic)
    const outcome = await appendWithin(c, append, {
      type: 'comment.posted',
      topic,
      actor,
      correlationId: c.get('correlationId'),
      facts: { role: isArtist ? role : 'user', parentId, writtenAt: null, ...(parentId ? {} : { rootId: null }) },
      personal: { name, ...(picture ? { picture } : {}), body },
      priority: isArtist,
      idempotency: { key: idempotencyKeyOf(c), request: `post\n${parentId ?? ''}\n${body}` },
      ...(parentId ? { target: { commentId: parentId, rootOf: 'reply', withSnapshot: isArtist } } : {}),
    })
    if (outcome.kind === 'unchanged') throw new Error('a post always appends')
    const comment =
      outcome.kind === 'repeated-and-trimmed' ? await readBack(topic, outcome.entryId, reader) : presentPosted(postedIn(outcome))
    const writeToken = tokens.sign({ topic, lane: outcome.entryLane, entryId: outcome.entryId })
    return new Response(JSON.stringify({ ...comment, writeToken }), {
      status: 201,
      headers: {
        'Content-Type': 'application/json',
        'Ovation-Write': writeToken,
        Location: `/v1/topics/${topic}/comments/${comment.id}`,
      },
    })
  })
}

/** The first answer, also for a repeated request. */
function postedIn({ event }: { event: Recorded }): Recorded<'comment.posted'> {
  if (event.type === 'comment.posted') return event
  throw new DomainError('idempotency-key-reused', 'this Idempotency-Key was used for another request')
}

async function readBack(topic: string, entryId: string, reader: CommandDependencies['reader']): Promise<CommentJson> {
  const { views } = await reader.byId(topic, [commentIdAt(positionOfEntry(entryId))])
  if (!views[0]) throw new DomainError('unavailable', 'the comment was accepted and cannot be read now; repeat the request')
  return present(views[0])
}
