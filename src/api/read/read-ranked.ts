import { DomainError } from '../../errors.ts'
import { commentIdAt } from '../../events/position.ts'
import type { CommentStore } from './comment-store.ts'
import { type CommentView, mergeTuple } from './comment-view.ts'
import type { FeedReply, ReadFeed } from './feed-reader.ts'
import { type About, type PageParts, newAbout, shownPins, staysListed, upToFloor, withPin } from './page-parts.ts'
import type { Page, PageRequest } from './read-page.ts'
import type { Version } from './version.ts'

type Dependencies = {
  readFeed: ReadFeed
  store: CommentStore
  isBehind(topic: string, position: string): boolean
  /** The page in the order that is left when the ranks cannot be read. */
  readNewest(request: PageRequest): Promise<Page>
}

/**
 * Roots in hot order: places from Redis, each with its comment where the feed has it, the others from MongoDB by id. Ranks move while somebody
 * pages: a comment may then come twice or not at all. Without Redis the first page is the newest one and says so. Without MongoDB its part is that
 * of `known`, the same page of within the last minute.
 */
export function createRankedReader({ readFeed, store, isBehind, readNewest }: Dependencies, { withFirstReplies, viewsOfPins }: PageParts) {
  return async function rankedPage(request: PageRequest, unless?: Version, known?: Page): Promise<Page | undefined> {
    const { topic, after, limit, previews } = request
    const about = newAbout()
    const size = limit + 1 + shownPins
    const feed = await readFeed({ topic, order: 'hot', after, limit: size, previews, unless }).catch(() => undefined)
    if (feed?.isUnchanged) return undefined
    if (!feed) {
      if (after !== '') throw new DomainError('unavailable', 'the hot order cannot be read now')
      const newest = await readNewest(request)
      return { ...newest, degraded: new Set([...newest.degraded, 'order']) }
    }
    about.version = feed.version
    const [views, pinned] = await Promise.all([viewsOf(topic, feed, previews, about, known), viewsOfPins(topic, feed, previews, about)])
    if (views.length === 0 && about.degraded.has('older')) throw new DomainError('unavailable', 'comments cannot be read now')
    const atTop = new Set(pinned.map(({ position }) => position))
    const joined = views.filter((view) => !atTop.has(view.position) && staysListed(view))
    const items = joined.slice(0, limit).map((view) => withPin(view, feed))
    const afters = new Map(feed.listed.map(([position, , , , , score]) => [position, `${score}/${position}`]))
    const lastSeen = feed.listed.length === size ? feed.listed.at(-1)![0] : undefined
    const last = joined.length > limit ? items.at(-1)!.position : lastSeen
    return {
      ...about,
      pinned: after === '' ? pinned.map((view) => withPin(view, feed)) : [],
      items,
      nextAfter: (last && afters.get(last)) ?? null,
      afters,
    }
  }

  async function viewsOf(topic: string, feed: FeedReply, previews: number, about: About, known: Page | undefined): Promise<CommentView[]> {
    const cold = feed.listed.filter(([, creation]) => creation === '').map(([position]) => commentIdAt(position))
    if (cold.length === 0) return feed.listed.flatMap((tuple) => mergeTuple(topic, undefined, tuple) ?? [])
    about.usesStore = true
    try {
      const stored = await store.byId(topic, cold)
      if (isBehind(topic, feed.floor)) about.degraded.add('backlog')
      const views = feed.listed.flatMap((tuple) => mergeTuple(topic, stored.get(commentIdAt(tuple[0])), tuple) ?? [])
      return await withFirstReplies(topic, views, previews, feed)
    } catch {
      about.degraded.add(known ? 'stale' : 'older')
      const kept = known ? upToFloor([...known.pinned, ...known.items], feed.floor) : []
      const byPosition = new Map(kept.map((view) => [view.position, view]))
      return feed.listed.flatMap((tuple) => mergeTuple(topic, byPosition.get(tuple[0]), tuple) ?? [])
    }
  }
}
