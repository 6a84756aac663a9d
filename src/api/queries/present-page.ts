import { positionOfComment } from '../../events/position.ts'
import type { Recorded } from '../../events/recorded.ts'
import { type Sort, cursorOf } from '../cursor.ts'
import type { QueryDependencies } from '../dependencies.ts'
import type { Answer, Built } from '../read/answer.ts'
import type { CommentView } from '../read/comment-view.ts'
import { isPinApplied, likeNotCounted } from '../read/not-applied.ts'
import type { Question } from '../read/page-cache.ts'
import { carriedSubject, subjectOn, overlay, subjectOf } from '../read/overlay.ts'
import type { OwnWrite } from '../read/own-write.ts'
import { present } from '../read/present.ts'
import type { Page, PageRequest } from '../read/read-page.ts'

/** A page as JSON. */
export function pageBody({ pinned, items, nextAfter, afters }: Page, sort: Sort, degraded: readonly string[]) {
  const order = sort === 'hot' && !afters ? 'newest' : sort
  return { items: [...pinned, ...items].map(present), nextCursor: nextAfter && cursorOf(order, nextAfter), degraded: [...degraded] }
}

/** A page as the cache keeps it. */
export function builtPage(page: Page, sort: Sort): Built<Page> {
  const { version, usesStore } = page
  const degraded = [...page.degraded]
  const isPoor = degraded.some((part) => part === 'older' || part === 'recent' || part === 'order')
  const newest = newestIn([...page.pinned, ...page.items])
  return {
    body: pageBody(page, sort, degraded),
    views: page,
    degraded,
    version,
    usesStore,
    isPoor,
    isStale: page.degraded.has('stale'),
    newest,
  }
}

/** The highest position in views, of a comment or of what changed one. */
export function newestIn(views: readonly CommentView[]): string {
  let newest = ''
  for (const { position, body, deleted, visibility, firstReplies } of views) {
    for (const one of [position, body.v, deleted?.v ?? '', visibility?.v ?? '', newestIn(firstReplies)]) if (one > newest) newest = one
  }
  return newest
}

/** A page with the reader's own write in it, made from a cached page where that cannot have half of the write, as JSON. */
export async function pageWithWrite(
  { cache, redis, keys, reader }: Pick<QueryDependencies, 'cache' | 'redis' | 'keys' | 'reader'>,
  question: Question<Page>,
  { event, isUnknown }: OwnWrite,
  request: PageRequest,
  sort: Sort,
): Promise<{ body: ReturnType<typeof pageBody>; degraded: string[]; isMissing: boolean }> {
  const whole = ({ views, bytes, degraded: lacking, isMissing = false }: Answer<Page>, page = views) => {
    const degraded = [...lacking, ...(isUnknown || !page ? ['after'] : [])]
    const body = page ? pageBody(page, sort, degraded) : { ...(JSON.parse(bytes.toString()) as ReturnType<typeof pageBody>), degraded }
    return { body, degraded, isMissing }
  }
  const kept = await cache.withViews(question)
  if (!event || !kept.views) return whole(kept)
  const applied = await isCounted(redis, keys, event)
  if (applied.isInModels) {
    // The page may be of before or after: one that was read from now on has it.
    return whole(await cache.withViews(question, performance.now()))
  }
  const page = kept.views
  const shown = overlay(page, event, request, await subjectFor(reader, page, event, request.previews))
  const more = (view: CommentView) => withLikes(view, event, applied.likes)
  return whole(kept, { ...shown, pinned: shown.pinned.map(more), items: shown.items.map(more) })
}

/** Whether the models have a like or pin, which an overlay would do twice; the like's own count where they have not. */
export async function isCounted(
  redis: QueryDependencies['redis'],
  keys: QueryDependencies['keys'],
  event: Recorded,
): Promise<{ isInModels: boolean; likes: number }> {
  if (event.type === 'comment.pinned' || event.type === 'comment.unpinned')
    return { isInModels: await isPinApplied(redis, keys, event), likes: 0 }
  if (event.type !== 'comment.liked' && event.type !== 'comment.unliked') return { isInModels: false, likes: 0 }
  if (!positionOfComment(event.data.commentId)) return { isInModels: false, likes: 0 }
  const likes = await likeNotCounted(redis, keys, event)
  return { isInModels: likes === undefined, likes: likes ?? 0 }
}

/** The comment an event is about: as the page or the models know it, since it may have been edited or hidden after, or as the event carries it. */
export async function subjectFor(
  reader: QueryDependencies['reader'],
  page: Pick<Page, 'pinned' | 'items'>,
  event: Recorded,
  previews: number,
): Promise<CommentView | undefined> {
  const { view, missing } = subjectOn(page, event)
  if (!missing) return view
  const { views } = await reader.byId(event.topic, [missing], previews, carriedSubject(event))
  return views[0]
}

/** Pure: a comment and its first replies, `likes` more on the one that the event is about. */
export function withLikes(view: CommentView, event: Recorded, likes: number): CommentView {
  if (likes === 0) return view
  const more = (one: CommentView) => (one.commentId === subjectOf(event) && one.likes !== null ? { ...one, likes: one.likes + likes } : one)
  return { ...more(view), firstReplies: view.firstReplies.map(more) }
}
