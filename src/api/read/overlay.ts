import { commentIdAt, positionOfComment } from '../../events/position.ts'
import type { Recorded } from '../../events/recorded.ts'
import { snapshotOf } from '../../projections/comments.ts'
import { type CommentView, isShown, later, mergeReplies, viewOfSnapshot } from './comment-view.ts'
import type { Register } from '../../mongo/collections.ts'
import { shownPins, staysListed } from './page-parts.ts'
import type { Page, PageRequest } from './read-page.ts'

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

/** Pure: a root with a reply among its first ones, where it belongs there. */
function withReply(root: CommentView, reply: CommentView | undefined): CommentView {
  if (!reply || reply.rootId !== root.commentId || !isShown(reply)) return root
  const firstReplies = mergeReplies(root.firstReplies, [reply])
  return { ...root, firstReplies, replies: root.replies === null ? null : Math.max(root.replies, firstReplies.length) }
}

/** Pure: a comment and its first replies with an event applied; `subject` is the comment that the event is about, where others lack it. */
export function withWrite(view: CommentView, event: Recorded, subject?: CommentView): CommentView {
  const changed = withEvent(view, event)
  const firstReplies = changed.firstReplies.map((reply) => withEvent(reply, event)).filter(isShown)
  return withReply({ ...changed, firstReplies }, subject && withEvent(subject, event))
}

const bringers = new Set<Recorded['type']>(['comment.posted', 'comment.pinned', 'comment.unpinned', 'comment.restored', 'comment.approved'])

/** The comment an event is about, as a page has it, or the id to look up where the event brings it to the page. */
export function subjectOn({ pinned, items }: Pick<Page, 'pinned' | 'items'>, event: Recorded): { view?: CommentView; missing?: string } {
  const id = subjectOf(event)
  const view = [...pinned, ...items].flatMap((one) => [one, ...one.firstReplies]).find(({ commentId }) => commentId === id)
  if (view) return { view }
  return id && bringers.has(event.type) ? { missing: id } : {}
}

/**
 * Pure: a page that shows a reader's own write, though no consumer may have seen it yet. What the event brings takes the place that its
 * position has in the list, if that is on this page, and comes first in the hot order; a pin comes before all. What no longer fits the limit
 * begins the next page.
 */
export function overlay(page: Page, event: Recorded, request: Omit<PageRequest, 'topic' | 'previews'>, subject?: CommentView): Page {
  const views = [...page.pinned, ...page.items, ...(subject ? [subject] : [])]
  const byPosition = new Map(views.map((view) => [view.position, withWrite(view, event, subject)]))
  const top = request.root === null ? positionsAtTop(page, event) : []
  const shown = top.flatMap((position) => byPosition.get(position) ?? []).filter(isShown)
  const pinned = request.after === '' ? shown.slice(0, shownPins) : []
  const atTop = new Set(shown.slice(0, shownPins).map(({ position }) => position))
  const listed = [...byPosition.values()].filter((view) => view.rootId === request.root && !atTop.has(view.position) && staysListed(view))
  const items = inOrder(listed, page, request)
  const kept = items.slice(0, request.limit)
  return { ...page, pinned, items: kept, nextAfter: items.length > kept.length ? afterOf(kept.at(-1)!, page) : page.nextAfter }
}

function inOrder(listed: readonly CommentView[], page: Page, request: Pick<PageRequest, 'order' | 'after'>): CommentView[] {
  if (request.order !== 'hot') {
    const isOldest = request.order === 'oldest'
    return listed
      .filter(({ position }) => isWithin(position, page, request))
      .sort((a, b) => (a.position < b.position === isOldest ? -1 : 1))
  }
  const places = new Map(page.items.map(({ position }, place) => [position, place]))
  return listed
    .filter(({ position }) => places.has(position) || request.after === '')
    .sort((a, b) => (places.get(a.position) ?? -1) - (places.get(b.position) ?? -1))
}

/** Where the page after a view starts; a newcomer to the hot order has no place there yet. */
const afterOf = ({ position }: CommentView, { afters, nextAfter }: Page): string | null =>
  afters ? (afters.get(position) ?? nextAfter) : position

function positionsAtTop({ pinned }: Page, event: Recorded): string[] {
  const before = pinned.map(({ position }) => position)
  if (event.type !== 'comment.pinned' && event.type !== 'comment.unpinned') return before
  const subject = positionOfComment(event.data.commentId)!
  const others = before.filter((position) => position !== subject)
  return event.type === 'comment.pinned' ? [subject, ...others] : others
}

function isWithin(position: string, { nextAfter }: Page, { order, after }: Pick<PageRequest, 'order' | 'after'>): boolean {
  return order === 'newest'
    ? (after === '' || position < after) && (nextAfter === null || position >= nextAfter)
    : position > after && (nextAfter === null || position <= nextAfter)
}

/** The comment an event is about. */
export const subjectOf = (event: Recorded): string | undefined =>
  event.type === 'comment.posted' ? commentIdAt(event.position) : 'commentId' in event.data ? event.data.commentId : undefined

/** The subject as the event itself carries it. */
export function carriedSubject(event: Recorded): CommentView | undefined {
  const snapshot =
    event.type === 'comment.posted'
      ? snapshotOf(event)
      : event.type === 'comment.pinned'
        ? event.data.personal?.targets?.find(({ position }) => commentIdAt(position) === event.data.commentId)
        : undefined
  return snapshot && viewOfSnapshot(event.topic, snapshot)
}
