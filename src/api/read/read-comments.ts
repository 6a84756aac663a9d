import { DomainError } from '../../errors.ts'
import { commentIdAt, positionOfComment } from '../../events/position.ts'
import type { CommentStore } from './comment-store.ts'
import { type CommentView, mergeTuple } from './comment-view.ts'
import type { ReadFeed } from './feed-reader.ts'
import { type About, createPageParts, newAbout, withPin } from './page-parts.ts'
import { type Page, type PageRequest, createPageReader } from './read-page.ts'
import type { ReadPosted } from './read-posted.ts'
import { createRankedReader } from './read-ranked.ts'
import type { Version } from './version.ts'

export type ReadDependencies = {
  readFeed: ReadFeed
  readPosted: ReadPosted
  store: CommentStore
  /** Whether MongoDB still lacks events of the topic's partition at or below a position. */
  isBehind(topic: string, position: string): boolean
}
export type Found = About & { views: CommentView[] }

/** Throws `unavailable` where nothing was found and could be there all the same. */
export function requireTold({ views, degraded }: Found): void {
  if (views.length === 0 && degraded.size > 0) throw new DomainError('unavailable', 'the comment cannot be read now')
}

export type CommentReader = ReturnType<typeof createCommentReader>

export function createCommentReader({ readFeed, readPosted, store, isBehind }: ReadDependencies) {
  const parts = createPageParts(readFeed, store)
  const readPositional = createPageReader({ readFeed, store, isBehind }, parts)
  const readNewest = async (request: PageRequest) => (await readPositional({ ...request, order: 'newest' }))!
  const readRanked = createRankedReader({ readFeed, store, isBehind, readNewest }, parts)

  /** A page of a topic's roots or of a root's replies. `known`: the same page as it was. Undefined: the topic's Redis models are still of the version `unless`. */
  async function page(request: PageRequest): Promise<Page>
  async function page(request: PageRequest, unless: Version | undefined, known: Page | undefined): Promise<Page | undefined>
  async function page(request: PageRequest, unless?: Version, known?: Page): Promise<Page | undefined> {
    const { order } = request
    return order === 'hot' ? readRanked(request, unless, known) : readPositional({ ...request, order }, unless, known)
  }

  /** Comments by id, in the order asked for, whether shown or not; those that do not exist are left out. `known`: as its creation wrote it. */
  async function byId(topic: string, commentIds: readonly string[], previews?: number, known?: CommentView): Promise<Found>
  async function byId(
    topic: string,
    commentIds: readonly string[],
    previews: number,
    known: undefined,
    unless: Version | undefined,
  ): Promise<Found | undefined>
  async function byId(
    topic: string,
    commentIds: readonly string[],
    previews = 0,
    known?: CommentView,
    unless?: Version,
  ): Promise<Found | undefined> {
    const about = newAbout()
    const positions = commentIds.flatMap((id) => positionOfComment(id) ?? [])
    const feed = await readFeed({ topic, order: 'newest', limit: 0, previews, further: positions, unless }).catch(() => undefined)
    if (feed?.isUnchanged) return undefined
    about.version = feed?.version
    if (!feed) about.degraded.add('counts')
    // What the feed has not got is below its floor, not in it yet, or nowhere: nobody makes us ask MongoDB for the ids of an empty topic. What MongoDB
    // has not got yet is in the log.
    const lacking = positions.filter((_, i) => !feed?.further[i]![1])
    const isOld = (position: string) => !feed || position <= feed.floor
    const unknown = feed ? lacking.filter((position) => position !== known?.position) : []
    const posted = await readPosted(topic, unknown).catch(() => {
      about.degraded.add('recent')
      return new Map<string, CommentView>()
    })
    const cold = lacking.filter((position) => isOld(position) || posted.has(position)).map(commentIdAt)
    about.usesStore = cold.length > 0
    const stored = await store.byId(topic, cold).catch(() => {
      about.degraded.add('older')
      return new Map<string, CommentView>()
    })
    const views = positions.flatMap((position, i) => {
      const unread = known?.position === position ? { ...known, likes: null, replies: null } : undefined
      const archived = stored.get(commentIdAt(position))
      if (!archived && posted.has(position) && isOld(position)) about.degraded.add('backlog') // what was edited is not known
      const base = archived ?? posted.get(position) ?? unread
      const view = feed ? mergeTuple(topic, base, feed.further[i]!) : base
      return view ? [withPin(view, feed)] : []
    })
    const whole = await parts.withColdReplies(topic, views, previews, feed, about, 'older')
    return { ...about, views: whole }
  }

  /** The comments that sort directly before and after one among its siblings. */
  async function neighbours(view: CommentView): Promise<About & { previous: CommentView | undefined; next: CommentView | undefined }> {
    const { topic, rootId: root, position } = view
    const [next, previous] = await Promise.all([
      page({ topic, root, order: 'oldest', after: position, limit: 1, previews: 0 }),
      page({ topic, root, order: 'newest', after: position, limit: 1, previews: 0 }),
    ])
    const degraded = new Set([...previous.degraded, ...next.degraded])
    degraded.delete('pinned') // a neighbour's place has nothing to do with pins
    return { ...next, degraded, usesStore: previous.usesStore || next.usesStore, previous: previous.items[0], next: next.items[0] }
  }

  return { page, byId, neighbours }
}
