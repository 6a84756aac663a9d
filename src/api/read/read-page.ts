import { DomainError } from '../../errors.ts'
import { positionOfComment } from '../../events/position.ts'
import type { CommentStore } from './comment-store.ts'
import { type CommentView, mergeTuple } from './comment-view.ts'
import type { FeedReply, ReadFeed } from './feed-reader.ts'
import { type About, type PageParts, newAbout, shownPins, staysListed, upToFloor, withPin } from './page-parts.ts'
import type { Version } from './version.ts'

export type PageRequest = {
  topic: string
  root: string | null
  order: 'newest' | 'oldest' | 'hot'
  /** Where to start after, '': a position, or `<score>/<position>` in the hot order. */
  after: string
  limit: number
  previews: number
}
/** `afters`: where a page after each item would start, in the hot order. */
export type Page = About & { pinned: CommentView[]; items: CommentView[]; nextAfter: string | null; afters?: ReadonlyMap<string, string> }

type Dependencies = {
  readFeed: ReadFeed
  store: CommentStore
  /** Whether MongoDB still lacks events of the topic's partition at or below a position. */
  isBehind(topic: string, position: string): boolean
}
type Positional = PageRequest & { order: 'newest' | 'oldest' }

/**
 * Lists by position are the feed (all above its floor) and MongoDB (all up to it), joined at the floor: no comment twice, none between. Either
 * may be away; the page then says what it lacks, and only when nothing at all is known it is refused with `unavailable`. MongoDB's part is then
 * that of `known`, the same page of within the last minute. Undefined: the topic's Redis models are still of the version `unless`.
 */
export function createPageReader({ readFeed, store, isBehind }: Dependencies, { withNumbers, withFirstReplies, viewsOfPins }: PageParts) {
  return async function page(request: Positional, unless?: Version, known?: Page): Promise<Page | undefined> {
    const { topic, root, order, after, limit, previews } = request
    const about = newAbout()
    const more = root === null ? shownPins : 0
    const listing = { topic, root: root ? positionOfComment(root)! : '', order, after, limit: limit + 1 + more, previews, unless }
    const feed = await readFeed(listing).catch(() => undefined)
    if (feed?.isUnchanged) return undefined
    about.version = feed?.version
    if (!feed) for (const part of ['recent', 'counts', 'pinned'] as const) about.degraded.add(part)
    const recent = (feed?.listed ?? []).flatMap((tuple) => mergeTuple(topic, undefined, tuple) ?? [])
    const top = feed?.pins ?? []
    const below = recent.filter(({ position }) => !top.slice(0, shownPins).some(({ comment }) => comment[0] === position))
    const [older, pinned] = await Promise.all([
      olderPart(request, feed, below.length, Math.min(top.length, shownPins), about, known),
      viewsOfPins(topic, feed, previews, about),
    ])
    // A reader of the oldest would skip what only MongoDB has and never know.
    const isHole = older === undefined && (recent.length === 0 || (order === 'oldest' && after !== ''))
    if (isHole) throw new DomainError('unavailable', 'comments cannot be read now')
    const pinnedIds = new Set(pinned.map(({ commentId }) => commentId))
    const { views: fromStore = [], isFull = false } = older ?? {}
    // Where MongoDB gave all it was asked for there is more in it, before what the feed has.
    const all = order === 'newest' ? [...recent, ...fromStore] : [...fromStore, ...(isFull ? [] : recent)]
    const joined = all.filter((view) => !pinnedIds.has(view.commentId) && staysListed(view))
    const items = joined.slice(0, limit).map((view) => withPin(view, feed))
    const hasMore = joined.length > limit || older === undefined || isFull
    const last = joined.length > limit ? items.at(-1) : all.at(-1)
    return {
      ...about,
      pinned: after === '' ? pinned.map((view) => withPin(view, feed)) : [],
      items,
      nextAfter: (hasMore && last?.position) || null,
    }
  }

  /** The page's part from MongoDB. Undefined when it is needed and cannot be had. */
  async function olderPart(
    request: Positional,
    feed: FeedReply | undefined,
    recentCount: number,
    pinCount: number,
    about: About,
    known: Page | undefined,
  ): Promise<{ views: CommentView[]; isFull: boolean } | undefined> {
    const { topic, root, order, after, limit, previews } = request
    const floor = feed?.floor
    const wanted = order === 'newest' ? limit + 1 - recentCount : limit + 1
    // What replies to a comment comes after it.
    const first = [root ? positionOfComment(root)! : '', order === 'oldest' ? after : ''].reduce((a, b) => (a > b ? a : b))
    if (floor === '' || wanted <= 0 || (floor !== undefined && first >= floor)) return { views: [], isFull: false }
    about.usesStore = true
    const from = after === '' ? {} : order === 'oldest' ? { above: after } : { below: after }
    try {
      const most = wanted + pinCount
      const found = await store.list({ topic, root, order, limit: most, ...from, ...(floor ? { upTo: floor } : {}) })
      if (feed && isBehind(topic, feed.floor)) about.degraded.add('backlog')
      const views = await withNumbers(topic, found, previews, feed, about)
      return { views: await withFirstReplies(topic, views, previews, feed), isFull: found.length === most }
    } catch {
      about.degraded.add(feed && known ? 'stale' : 'older')
      if (!feed || !known) return undefined
      const isFull = known.nextAfter !== null && (order === 'newest' || known.nextAfter <= feed.floor)
      return { views: await withNumbers(topic, upToFloor(known.items, feed.floor), previews, feed, about), isFull }
    }
  }
}
