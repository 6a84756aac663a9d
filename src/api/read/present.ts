import { commentIdAt } from '../../events/position.ts'
import type { Recorded } from '../../events/recorded.ts'
import { renderMarkdown } from '../markdown.ts'
import type { CommentJson } from '../schemas.ts'
import { type CommentView, isShown } from './comment-view.ts'

/** Pure: a comment as the API shows it, the same for every viewer. What does not show has neither body nor author's words. */
export function present(view: CommentView): CommentJson {
  return { ...withoutReplies(view), firstReplies: view.firstReplies.map(withoutReplies) }
}

/** Pure: a comment as its creation recorded it: what `present` makes of it, at a fifth of the cost. */
export function presentPosted({ position, topic, actor, at, data }: Recorded<'comment.posted'>): CommentJson {
  const { role, parentId, rootId, writtenAt, personal } = data
  return {
    id: commentIdAt(position),
    topic,
    parentId,
    rootId,
    author: { id: actor, role, name: personal?.name ?? null, ...(personal?.picture ? { picture: personal.picture } : {}) },
    body: personal?.body ?? null,
    html: personal ? renderMarkdown(personal.body) : null,
    createdAt: (writtenAt === null ? at : new Date(writtenAt)).toISOString(),
    editedAt: null,
    state: 'visible',
    pinned: false,
    likes: 0,
    replies: 0,
    firstReplies: [],
  }
}

function withoutReplies(view: CommentView): Omit<CommentJson, 'firstReplies'> {
  const { commentId, topic, parentId, rootId, author, createdAt, body, deleted, visibility, isPinned, likes, replies } = view
  const text = isShown(view) ? body.text : null
  return {
    id: commentId,
    topic,
    parentId,
    rootId,
    author: author as CommentJson['author'],
    body: text,
    html: text === null ? null : renderMarkdown(text),
    createdAt: createdAt.toISOString(),
    editedAt: body.at?.toISOString() ?? null,
    state: deleted ? 'deleted' : (visibility?.state ?? 'visible'),
    pinned: isPinned,
    likes,
    replies,
  }
}
