import { z } from 'zod'
import { defineEvent } from './define-event.ts'

/** The position of its creation as a UUIDv7: never made up by a client. */
const CommentId = z.uuidv7()
const Role = z.enum(['user', 'artist', 'moderator', 'admin'])

/** What a person wrote or is called. One nullable sub-object of each event, so that an erasure can redact it and leave the fact. */
const personal = <S extends z.ZodRawShape>(shape: S) => z.object(shape).nullable()
const Reason = personal({ reason: z.string() })

/** `rootId` is null for a root. Every event on a comment carries it, so that reply counts need no look-up. */
const onComment = { commentId: CommentId, rootId: CommentId.nullable() }

/** Only roots are ranked; likes of before the hot order carry no `rootId`. */
const onLiked = { commentId: CommentId, rootId: CommentId.nullable().optional() }

/** A comment as its creation wrote it, carried by events that may be read before that creation is: pins and artists' replies. */
const Snapshot = z.object({
  position: z.string(),
  actor: z.string(),
  at: z.number(),
  data: z.object({
    role: Role,
    parentId: CommentId.nullable(),
    rootId: CommentId.nullable(),
    writtenAt: z.number().nullable(),
    personal: personal({ name: z.string(), picture: z.string().optional(), body: z.string() }),
  }),
})
export type Snapshot = z.output<typeof Snapshot>

/** What can happen. Versions start at 1 and grow by `.next(schema, upcast)`; golden/ holds one JSON of each version ever written. */
export const commentEvents = {
  'comment.posted': defineEvent(
    z.object({
      role: Role,
      parentId: CommentId.nullable(),
      rootId: CommentId.nullable(),
      /** When it was written, where it was imported: ms since 1970. Null for a comment written here. */
      writtenAt: z.number().nullable(),
      /** `targets`: the parent and its root, where the author is an artist. */
      personal: personal({ name: z.string(), picture: z.string().optional(), body: z.string(), targets: z.array(Snapshot).optional() }),
    }),
  ),
  'comment.edited': defineEvent(z.object({ ...onComment, personal: personal({ body: z.string() }) })),
  'comment.deleted': defineEvent(z.object({ ...onComment, by: z.enum(['author', 'moderator']) })),
  'comment.hidden': defineEvent(z.object({ ...onComment, personal: Reason })),
  'comment.restored': defineEvent(z.object({ ...onComment, personal: Reason })),
  'comment.held': defineEvent(z.object({ ...onComment, personal: Reason })),
  'comment.approved': defineEvent(z.object(onComment)),
  'comment.pinned': defineEvent(z.object({ ...onComment, personal: personal({ targets: z.array(Snapshot).optional() }) })),
  'comment.unpinned': defineEvent(z.object(onComment)),
  'comment.liked': defineEvent(z.object(onLiked)),
  'comment.unliked': defineEvent(z.object(onLiked)),
  'comment.reported': defineEvent(z.object({ commentId: CommentId, personal: Reason })),
  'user.banned': defineEvent(z.object({ userId: z.string(), until: z.number().nullable(), personal: Reason })),
  'user.unbanned': defineEvent(z.object({ userId: z.string() })),
  'dead-letter.discarded': defineEvent(z.object({ group: z.string(), stream: z.string(), entry: z.string(), personal: Reason })),
  'read-model.repaired': defineEvent(
    z.object({ model: z.string(), key: z.string(), field: z.string(), before: z.json(), after: z.json() }),
  ),
}
export type EventType = keyof typeof commentEvents
export type DataOf<T extends EventType> = z.output<(typeof commentEvents)[T]['schema']>
export type Role = z.output<typeof Role>
