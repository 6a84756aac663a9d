import type { Snapshot } from '../../events/comment-events.ts'
import type { CommentDocument, Register } from '../../mongo/collections.ts'
import { createdComment } from '../../projections/comments.ts'

/** A comment as the read models know it together: registers still carry their positions, so that the newer of two sources wins. */
export type CommentView = {
  position: string
  topic: string
  commentId: string
  parentId: string | null
  rootId: string | null
  author: NonNullable<CommentDocument['author']>
  createdAt: Date
  body: Register<{ text: string | null; at: Date | null }>
  deleted: Register<{ by: string }> | undefined
  visibility: Register<{ state: 'visible' | 'hidden' | 'held' }> | undefined
  isPinned: boolean
  /** Null when unknown. */
  likes: number | null
  replies: number | null
  firstReplies: CommentView[]
}

export const isShown = ({ deleted, visibility }: Pick<CommentView, 'deleted' | 'visibility'>): boolean =>
  !deleted && (!visibility || visibility.state === 'visible')

/** From MongoDB; undefined for a stub, whose creation is not there yet. */
export function viewOfDocument(document: CommentDocument): CommentView | undefined {
  const { position, author, createdAt, body } = document
  if (!position || !author || !createdAt || !body) return undefined
  const { topic, commentId, parentId = null, rootId = null, deleted, visibility, pinned, likes, replies } = document
  return {
    position,
    topic,
    commentId,
    parentId,
    rootId,
    author,
    createdAt,
    body,
    deleted,
    visibility,
    isPinned: pinned?.isPinned ?? false,
    likes: likes?.n ?? 0,
    replies: replies?.n ?? 0,
    firstReplies: [],
  }
}

/** As its creation wrote it. */
export const viewOfSnapshot = (topic: string, snapshot: Snapshot): CommentView => viewOfDocument(createdComment(topic, snapshot))!

/** A comment as feed.lua tells it, empty texts where there is nothing; what is last is left out where all of it would be empty. */
export type FeedTuple = [
  position: string,
  creation: string,
  likes: string,
  replies: string,
  firstReplies?: FeedTuple[],
  score?: string,
  body?: string,
  deleted?: string,
  visibility?: string,
]

/** The registers and numbers that Redis has of a comment, whether it has the comment itself or not. */
export function mergeTuple(topic: string, view: CommentView | undefined, tuple: FeedTuple): CommentView | undefined {
  const [, creation, likes, replies, firstReplies = [], , body, deleted, visibility] = tuple
  const base = view ?? (creation ? viewOfSnapshot(topic, JSON.parse(creation) as Snapshot) : undefined)
  if (!base) return undefined
  const edited = body ? editedBody(body) : undefined
  return {
    ...base,
    body: edited ? later(base.body, edited) : base.body,
    deleted: base.deleted ?? (deleted ? { v: deleted.slice(0, 20), by: deleted.slice(20) } : undefined),
    visibility: visibility
      ? later(base.visibility, { v: visibility.slice(0, 20), state: visibility.slice(20) as 'visible' })
      : base.visibility,
    likes: Number(likes),
    replies: Number(replies),
    firstReplies: mergeReplies(
      base.firstReplies,
      firstReplies.flatMap((reply) => mergeTuple(topic, undefined, reply) ?? []),
    ),
  }
}

function editedBody(register: string): CommentView['body'] {
  const { text, at } = JSON.parse(register.slice(20)) as { text: string | null; at: number }
  return { v: register.slice(0, 20), text, at: new Date(at) }
}

/** The register with the higher position. */
export const later = <R extends { v: string }>(a: R | undefined, b: R): R => (a && a.v > b.v ? a : b)

const previews = 3
export function mergeReplies(a: readonly CommentView[], b: readonly CommentView[]): CommentView[] {
  const byPosition = new Map([...a, ...b].map((view) => [view.position, view]))
  return [...byPosition.values()].sort((x, y) => (x.position < y.position ? -1 : 1)).slice(0, previews)
}
