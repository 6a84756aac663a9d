import { z } from '@hono/zod-openapi'
import { positionOfComment } from '../events/position.ts'
import { TopicId } from '../topics.ts'
import { Problem } from './problem.ts'

export const CommentId = z
  .string()
  .refine((id) => positionOfComment(id) !== undefined, 'not a comment id')
  .openapi({ format: 'uuid', example: '019ab3c4-5d6e-7001-8020-000000000000' })

const author = z.object({
  id: z.string(),
  name: z.string().nullable(),
  picture: z.string().optional(),
  role: z.enum(['user', 'artist', 'moderator', 'admin']),
})
const shape = {
  id: CommentId,
  topic: z.string(),
  parentId: CommentId.nullable(),
  rootId: CommentId.nullable(),
  author,
  body: z.string().nullable().openapi({ description: 'Markdown as written; null where the comment does not show' }),
  html: z.string().nullable().openapi({ description: 'The body rendered, safe to insert' }),
  createdAt: z.iso.datetime(),
  editedAt: z.iso.datetime().nullable(),
  state: z.enum(['visible', 'held', 'hidden', 'deleted']),
  pinned: z.boolean(),
  likes: z.int().nullable().openapi({ description: 'null when unknown' }),
  replies: z.int().nullable().openapi({ description: 'null when unknown' }),
}
const Reply = z.object(shape).openapi('Reply')
export const Comment = z.object({ ...shape, firstReplies: z.array(Reply) }).openapi('Comment')
export type CommentJson = z.output<typeof Comment>

export const degraded = z
  .array(z.enum(['recent', 'older', 'counts', 'pinned', 'order', 'backlog', 'stale', 'after']))
  .openapi({ description: 'What this answer lacks while a part of the system is away' })
export const CommentList = z.object({ items: z.array(Comment), nextCursor: z.string().nullable(), degraded }).openapi('CommentList')
export const WrittenComment = Comment.extend({ writeToken: z.string() }).openapi('WrittenComment')

export const topicPath = z.object({ topic: TopicId })
export const commentPath = topicPath.extend({ id: CommentId })
export const limit = z.coerce.number().int().min(1).max(100)
export const after = z.string().max(200).optional().openapi({ description: 'Write token: the answer shows that write' })

export const json = <S extends z.ZodType>(schema: S, description: string) => ({ content: { 'application/json': { schema } }, description })
export const problem = (description: string) => ({ content: { 'application/problem+json': { schema: Problem } }, description })

/** Of draft-ietf-httpapi-ratelimit-headers-10, on what an ordinary user writes. */
export const rateLimitHeaders = {
  'RateLimit-Policy': { description: 'The quota of the class of writes: `"comments";q=30;w=60`', schema: { type: 'string' } },
  RateLimit: {
    description: 'What is left of it, and in how many seconds there is one more: `"comments";r=29;t=2`',
    schema: { type: 'string' },
  },
} as const
const retryAfter = { 'Retry-After': { description: 'Whole seconds', schema: { type: 'integer' } } } as const
const headersOf: Partial<Record<number, object>> = {
  429: { headers: { ...rateLimitHeaders, ...retryAfter } },
  503: { headers: retryAfter },
}

const refusals = {
  400: 'malformed-json',
  401: 'not-signed-in',
  403: 'not-allowed, not-the-author, topic-not-allowed',
  404: 'not-found',
  409: 'edit-window-over',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  422: 'invalid-input, idempotency-key-reused',
  429: 'too-many-requests: a user has used up the quota of a class',
  503: 'unavailable, request-expired, overloaded: repeat with the same Idempotency-Key, after Retry-After',
} as const
/** The problems a call may answer with, for the OpenAPI document. */
export const problems = <C extends keyof typeof refusals>(...codes: C[]) =>
  Object.fromEntries(codes.map((code) => [code, { ...problem(refusals[code]), ...headersOf[code] }])) as {
    [K in C]: ReturnType<typeof problem>
  }
