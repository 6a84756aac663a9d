import { commentIdAt } from '../../events/position.ts'
import type { Recorded } from '../../events/recorded.ts'
import { snapshotOf } from '../../projections/comments.ts'
import { type CommentView, isShown, later, mergeReplies, viewOfSnapshot } from './comment-view.ts'
import type { Register } from '../../mongo/collections.ts'
import type { Page } from './read-comments.ts'

/** Pure: a comment with one event on it applied, unless the view already has it or something later. */
export function withEvent(view: CommentView, event: Recorded): CommentView {
  if (!('commentId' in event.data) || event.data.commentId !== view.commentId) return view
  const v = event.position
  const visible = (state: 'visible' | 'hidden' | 'held'): CommentView => ({
    ...view,
    visibility: later<Register<{ state: typeof state }>>(view.visibility, { v, state }),
  })
  switch (event.type) {
    case 'comment.edited':
      return { ...view, body: later(view.body, { v, text: event.data.personal?.body ?? null, at: event.at }) }
    case 'comment.deleted':
      return { ...view, deleted: view.deleted ?? { v, by: event.data.by } }
    case 'comment.hidden':
    case 'comment.held':
      return visible(event.type === 'comment.hidden' ? 'hidden' : 'held')
    case 'comment.restored':
    case 'comment.approved':
      return visible('visible')
    case 'comment.pinned':
    case 'comment.unpinned':
      return { ...view, isPinned: event.type === 'comment.pinned' }
    default:
      return view
  }
}

/** The reply that an event posted, as part of its root. */
function withReply(root: CommentView, reply: CommentView): CommentView {
  if (reply.rootId !== root.commentId) return root
  const firstReplies = mergeReplies(root.firstReplies, [reply])
  return { ...root, firstReplies, replies: root.replies === null ? null : Math.max(root.replies, firstReplies.length) }
}

/**
 * Pure: a page that shows a reader's own write, though no consumer may have seen it yet. A new root comes first (last, where the oldest do and
 * the page is the last), a new reply among its root's first replies or at the end of the list of replies.
 */
export function overlay(page: Page, event: Recorded, request: { root: string | null; order: 'newest' | 'oldest'; after: string }): Page {
  if (event.type === 'comment.posted') return withPosted(page, viewOfSnapshot(event.topic, snapshotOf(event)), request)
  const change = (view: CommentView): CommentView => {
    const changed = withEvent(view, event)
    return { ...changed, firstReplies: changed.firstReplies.map((reply) => withEvent(reply, event)).filter(isShown) }
  }
  const stays = (view: CommentView) => isShown(view) || view.firstReplies.length > 0 || (view.replies ?? 0) > 0
  const all = [...pinnedElsewhere(page, event), ...page.pinned, ...page.items].map(change)
  const pinnedBefore = new Set(page.pinned.map(({ commentId }) => commentId))
  const isPin = event.type === 'comment.pinned' || event.type === 'comment.unpinned'
  const isAtTop = (view: CommentView) =>
    isPin && event.data.commentId === view.commentId ? view.isPinned : pinnedBefore.has(view.commentId)
  return {
    ...page,
    pinned: all.filter((view) => isAtTop(view) && isShown(view)).slice(0, 3),
    items: all.filter((view) => !isAtTop(view) && stays(view)),
  }
}

/** A comment of another page that the event pins: it carries it. */
function pinnedElsewhere({ pinned, items }: Page, event: Recorded): CommentView[] {
  const target = event.type === 'comment.pinned' ? event.data.personal?.targets?.[0] : undefined
  if (!target || [...pinned, ...items].some(({ position }) => position === target.position)) return []
  return [viewOfSnapshot(event.topic, target)]
}

function withPosted(
  page: Page,
  posted: CommentView,
  { root, order, after }: { root: string | null; order: 'newest' | 'oldest'; after: string },
): Page {
  const isThere = [...page.pinned, ...page.items].some(({ commentId }) => commentId === posted.commentId)
  const isListed = root === posted.rootId
  if (!isListed)
    return { ...page, pinned: page.pinned.map((view) => withReply(view, posted)), items: page.items.map((view) => withReply(view, posted)) }
  const isItsPage = order === 'newest' ? after === '' : page.nextAfter === null
  if (isThere || !isItsPage) return page
  return { ...page, items: order === 'newest' ? [posted, ...page.items] : [...page.items, posted] }
}

/** The comment an event is about. */
export const subjectOf = (event: Recorded): string | undefined =>
  event.type === 'comment.posted' ? commentIdAt(event.position) : 'commentId' in event.data ? event.data.commentId : undefined
