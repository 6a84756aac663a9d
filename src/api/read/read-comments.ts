import { DomainError } from '../../errors.ts'
import { commentIdAt, positionOfComment } from '../../events/position.ts'
import type { Snapshot } from '../../events/comment-events.ts'
import type { CommentStore } from './comment-store.ts'
import { type CommentView, isShown, mergeReplies, mergeTuple, viewOfSnapshot } from './comment-view.ts'
import type { FeedReply, ReadFeed } from './feed-reader.ts'

/** What a thinner answer lacks: the newest comments, the older ones, exact numbers, pins, or whatever MongoDB has not caught up with. */
export type Degraded = 'recent' | 'older' | 'counts' | 'pinned' | 'backlog'

export type PageRequest = { topic: string; root: string | null; order: 'newest' | 'oldest'; after: string; limit: number; previews: number }
export type Page = { pinned: CommentView[]; items: CommentView[]; nextAfter: string | null; degraded: Set<Degraded> }

export type ReadDependencies = {
  readFeed: ReadFeed
  store: CommentStore
  /** Whether MongoDB still lacks events of the topic's partition at or below a position. */
  isBehind(topic: string, position: string): boolean
}
export type CommentReader = ReturnType<typeof createCommentReader>

/** How many pins a topic shows, the newest. */
export const shownPins = 3

const newestPins = ({ pins }: FeedReply) => pins.sort((a, b) => (a.register > b.register ? -1 : 1)).slice(0, shownPins)

/** The feed knows all pins, whatever its floor; MongoDB's are a moment old. */
const withPin = (view: CommentView, feed: FeedReply | undefined): CommentView =>
  feed ? { ...view, isPinned: feed.pins.some(({ comment: [position] }) => position === view.position) } : view

/**
 * Lists are the feed (all above its floor) and MongoDB (all up to it), joined at the floor: no comment twice, none between. Either may be away;
 * the page then says what it lacks, and only when nothing at all is known it is refused with `unavailable`.
 */
export function createCommentReader({ readFeed, store, isBehind }: ReadDependencies) {
  async function page(request: PageRequest): Promise<Page> {
    const { topic, root, order, after, limit, previews } = request
    const degraded = new Set<Degraded>()
    const more = root === null ? shownPins : 0
    const listing = { topic, root: root ? positionOfComment(root)! : '', order, after, limit: limit + 1 + more, previews }
    const feed = await readFeed(listing).catch(() => undefined)
    if (!feed) for (const part of ['recent', 'counts', 'pinned'] as const) degraded.add(part)
    const recent = (feed?.listed ?? []).flatMap((tuple) => mergeTuple(topic, undefined, tuple) ?? [])
    const top = feed && root === null ? newestPins(feed) : []
    const below = recent.filter(({ position }) => !top.some(({ comment }) => comment[0] === position))
    const [older, pinned] = await Promise.all([
      olderPart(request, feed, below.length, top.length, degraded),
      viewsOfPins(topic, top, degraded),
    ])
    // A reader of the oldest would skip what only MongoDB has and never know.
    const isHole = older === undefined && (recent.length === 0 || (order === 'oldest' && after !== ''))
    if (isHole) throw new DomainError('unavailable', 'comments cannot be read now')
    const pinnedIds = new Set(pinned.map(({ commentId }) => commentId))
    const { views: fromStore = [], isFull = false } = older ?? {}
    // Where MongoDB gave all it was asked for there is more in it, before what the feed has.
    const known = order === 'newest' ? [...recent, ...fromStore] : [...fromStore, ...(isFull ? [] : recent)]
    const joined = known.filter(
      (view) => !pinnedIds.has(view.commentId) && (isShown(view) || (view.replies ?? 0) > 0 || view.firstReplies.length > 0),
    )
    const items = joined.slice(0, limit).map((view) => withPin(view, feed))
    const hasMore = joined.length > limit || older === undefined || isFull
    const last = joined.length > limit ? items.at(-1) : known.at(-1)
    return { pinned: after === '' ? pinned : [], items, nextAfter: (hasMore && last?.position) || null, degraded }
  }

  /** The page's part from MongoDB. Undefined when it is needed and cannot be had. */
  async function olderPart(
    request: PageRequest,
    feed: FeedReply | undefined,
    recentCount: number,
    pinCount: number,
    degraded: Set<Degraded>,
  ): Promise<{ views: CommentView[]; isFull: boolean } | undefined> {
    const { topic, root, order, after, limit, previews } = request
    const floor = feed?.floor
    const wanted = order === 'newest' ? limit + 1 - recentCount : limit + 1
    if (floor === '' || wanted <= 0 || (order === 'oldest' && floor !== undefined && after >= floor)) return { views: [], isFull: false }
    const from = after === '' ? {} : order === 'oldest' ? { above: after } : { below: after }
    try {
      const most = wanted + pinCount
      const found = await store.list({ topic, root, order, limit: most, ...from, ...(floor ? { upTo: floor } : {}) })
      if (feed && isBehind(topic, feed.floor)) degraded.add('backlog')
      return { views: await withNumbers(topic, found, previews, feed, degraded), isFull: found.length === most }
    } catch {
      degraded.add('older')
      return undefined
    }
  }

  /** Numbers, registers and first replies from Redis; first replies that only MongoDB has. */
  async function withNumbers(
    topic: string,
    views: readonly CommentView[],
    previews: number,
    feed: FeedReply | undefined,
    degraded: Set<Degraded>,
  ): Promise<CommentView[]> {
    if (views.length === 0) return []
    const request = { topic, order: 'newest', limit: 0, previews, further: views.map(({ position }) => position) } as const
    const tuples = feed ? await readFeed(request).catch(() => undefined) : undefined
    if (!tuples) degraded.add('counts')
    const merged = views.map((view, i) => (tuples ? mergeTuple(topic, view, tuples.further[i]!)! : view))
    if (previews === 0) return merged
    const stored = await store.firstReplies(
      topic,
      merged.filter(({ replies }) => (replies ?? 0) > 0).map(({ commentId }) => commentId),
      previews,
      feed?.floor, // the feed has those above it, with what moderators did to them
    )
    return merged.map((view) => ({ ...view, firstReplies: mergeReplies(stored.get(view.commentId) ?? [], view.firstReplies) }))
  }

  async function viewsOfPins(topic: string, pins: FeedReply['pins'], degraded: Set<Degraded>): Promise<CommentView[]> {
    const cold = pins.filter(({ comment: [, creation] }) => creation === '').map(({ comment: [position] }) => commentIdAt(position))
    const stored = await store.byId(topic, cold).catch(() => {
      degraded.add('pinned')
      return new Map<string, CommentView>()
    })
    return pins.flatMap(({ register, comment }) => {
      const base =
        stored.get(commentIdAt(comment[0])) ??
        (register.length > 21 ? viewOfSnapshot(topic, JSON.parse(register.slice(21)) as Snapshot) : undefined)
      const view = mergeTuple(topic, base, comment)
      return view && isShown(view) ? [{ ...view, isPinned: true }] : []
    })
  }

  /** Comments by id, in the order asked for, whether shown or not; those that do not exist are left out. `known`: as its creation wrote it. */
  async function byId(
    topic: string,
    commentIds: readonly string[],
    previews = 0,
    known?: CommentView,
  ): Promise<{ views: CommentView[]; degraded: Set<Degraded> }> {
    const degraded = new Set<Degraded>()
    const positions = commentIds.flatMap((id) => positionOfComment(id) ?? [])
    const feed = await readFeed({ topic, order: 'newest', limit: 0, previews, further: positions }).catch(() => undefined)
    if (!feed) degraded.add('counts')
    const cold = positions.filter((_, i) => !feed?.further[i]?.[1]).map(commentIdAt)
    const stored = await store.byId(topic, cold).catch(() => {
      degraded.add('older')
      return new Map<string, CommentView>()
    })
    const views = positions.flatMap((position, i) => {
      const unread = known?.position === position ? { ...known, likes: null, replies: null } : undefined
      const base = stored.get(commentIdAt(position)) ?? unread
      const view = feed ? mergeTuple(topic, base, feed.further[i]!) : base
      return view ? [withPin(view, feed)] : []
    })
    return { views, degraded }
  }

  /** The comments that sort directly before and after one among its siblings. */
  async function neighbours(view: CommentView): Promise<{ previous: CommentView | undefined; next: CommentView | undefined }> {
    const { topic, rootId: root, position } = view
    const [next, previous] = await Promise.all([
      page({ topic, root, order: 'oldest', after: position, limit: 1, previews: 0 }),
      page({ topic, root, order: 'newest', after: position, limit: 1, previews: 0 }),
    ])
    return { previous: previous.items[0], next: next.items[0] }
  }

  return { page, byId, neighbours }
}
