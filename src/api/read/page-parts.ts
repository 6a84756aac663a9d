import { commentIdAt } from '../../events/position.ts'
import type { Snapshot } from '../../events/comment-events.ts'
import type { CommentStore } from './comment-store.ts'
import { type CommentView, isShown, mergeReplies, mergeTuple, viewOfSnapshot } from './comment-view.ts'
import type { FeedReply, ReadFeed } from './feed-reader.ts'
import type { Version } from './version.ts'

/** What a thinner answer lacks: the newest comments, the older ones, exact numbers, pins, the order asked for, or what MongoDB has not caught up with.
 * `stale`: MongoDB's part is that of within the last minute. */
export type Degraded = 'recent' | 'older' | 'counts' | 'pinned' | 'order' | 'backlog' | 'stale'

/** What is found out about an answer while it is read. */
export type About = {
  degraded: Set<Degraded>
  /** That of the Redis models; undefined where they could not be read. */
  version: Version | undefined
  /** Whether a part is MongoDB's, which has no version. */
  usesStore: boolean
}
export const newAbout = (): About => ({ degraded: new Set(), version: undefined, usesStore: false })

/** How many pins a topic shows, the newest. */
export const shownPins = 3

/** The feed knows all pins, whatever its floor; MongoDB's are a moment old. */
export function withPin(view: CommentView, feed: FeedReply | undefined): CommentView {
  if (!feed) return view
  const firstReplies = view.firstReplies.map((reply) => withPin(reply, feed))
  return { ...view, isPinned: feed.pinned.has(view.position), firstReplies }
}

export const staysListed = (view: CommentView): boolean => isShown(view) || (view.replies ?? 0) > 0 || view.firstReplies.length > 0

/** Pure: MongoDB's part of views. The feed knows what of the rest is still to be shown. */
export const upToFloor = (views: readonly CommentView[], floor: string): CommentView[] =>
  views
    .filter(({ position }) => position <= floor)
    .map((view) => ({ ...view, firstReplies: view.firstReplies.filter(({ position }) => position <= floor) }))

/** The parts that lists are made of. */
export function createPageParts(readFeed: ReadFeed, store: CommentStore) {
  /** Numbers, registers and first replies from Redis. */
  async function withNumbers(
    topic: string,
    views: readonly CommentView[],
    previews: number,
    feed: FeedReply | undefined,
    { degraded }: About,
  ): Promise<CommentView[]> {
    if (views.length === 0) return []
    const request = { topic, order: 'newest', limit: 0, previews, further: views.map(({ position }) => position) } as const
    const tuples = feed ? await readFeed(request).catch(() => undefined) : undefined
    if (!tuples) degraded.add('counts')
    return tuples ? views.map((view, i) => mergeTuple(topic, view, tuples.further[i]!)!) : [...views]
  }

  /** First replies that only MongoDB has. */
  async function withFirstReplies(
    topic: string,
    views: readonly CommentView[],
    previews: number,
    feed: FeedReply | undefined,
  ): Promise<CommentView[]> {
    const parents = previews === 0 ? [] : views.flatMap(({ commentId, replies }) => ((replies ?? 0) > 0 ? [commentId] : []))
    if (parents.length === 0) return [...views]
    const stored = await store.firstReplies(topic, parents, previews, feed?.floor) // the feed has those above it, with what moderators did to them
    return views.map((view) => ({ ...view, firstReplies: mergeReplies(stored.get(view.commentId) ?? [], view.firstReplies) }))
  }

  /** The same for those of the views that are below the floor, as their replies may be; `part` is lacking where MongoDB cannot be asked. */
  async function withColdReplies(
    topic: string,
    views: readonly CommentView[],
    previews: number,
    feed: FeedReply | undefined,
    about: About,
    part: Degraded,
  ): Promise<CommentView[]> {
    const cold = views.filter(({ position }) => !feed || position <= feed.floor)
    const whole = await withFirstReplies(topic, cold, previews, feed).catch(() => {
      about.degraded.add(part)
      return cold
    })
    const byPosition = new Map(whole.map((view) => [view.position, view]))
    return views.map((view) => byPosition.get(view.position) ?? view)
  }

  /** The pins that show, the newest first. One below the floor is MongoDB's, or as its pin event carries it. */
  async function viewsOfPins(topic: string, feed: FeedReply | undefined, previews: number, about: About): Promise<CommentView[]> {
    const pins = feed?.pins ?? []
    const cold = pins.filter(({ comment: [, creation] }) => creation === '').map(({ comment: [position] }) => commentIdAt(position))
    if (cold.length > 0) about.usesStore = true
    const stored = await store.byId(topic, cold).catch(() => {
      about.degraded.add('pinned')
      return new Map<string, CommentView>()
    })
    const shown = pins.flatMap(({ register, comment }) => {
      const base =
        stored.get(commentIdAt(comment[0])) ??
        (register.length > 21 ? viewOfSnapshot(topic, JSON.parse(register.slice(21)) as Snapshot) : undefined)
      const view = mergeTuple(topic, base, comment)
      return view && isShown(view) ? [{ ...view, isPinned: true }] : []
    })
    return withColdReplies(topic, shown.slice(0, shownPins), previews, feed, about, 'pinned')
  }

  return { withNumbers, withFirstReplies, withColdReplies, viewsOfPins }
}
export type PageParts = ReturnType<typeof createPageParts>
