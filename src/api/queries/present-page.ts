import type { Recorded } from '../../events/recorded.ts'
import type { QueryDependencies } from '../dependencies.ts'
import type { CommentView } from '../read/comment-view.ts'
import { isPinApplied, likeNotCounted } from '../read/not-applied.ts'
import { carriedSubject, subjectOn, overlay, subjectOf } from '../read/overlay.ts'
import type { OwnWrite } from '../read/own-write.ts'
import { present } from '../read/present.ts'
import type { Page, PageRequest } from '../read/read-comments.ts'

/** A page as JSON, with the reader's own write in it where they show its token. */
export async function presentPage(
  dependencies: Pick<QueryDependencies, 'redis' | 'keys' | 'reader'>,
  page: Page,
  { event, isUnknown }: OwnWrite,
  request: PageRequest,
) {
  const { redis, keys } = dependencies
  const [shown, likes] = event
    ? await Promise.all([withOwnWrite(dependencies, page, event, request), likeNotCounted(redis, keys, event)])
    : [page, 0]
  const items = [...shown.pinned, ...shown.items].map((view) => present(event ? withLikes(view, event, likes) : view))
  return { items, nextAfter: page.nextAfter, degraded: [...page.degraded, ...(isUnknown ? (['after'] as const) : [])] }
}

async function withOwnWrite(
  { redis, keys, reader }: Pick<QueryDependencies, 'redis' | 'keys' | 'reader'>,
  page: Page,
  event: Recorded,
  request: PageRequest,
): Promise<Page> {
  if (await isPinApplied(redis, keys, event)) return page
  return overlay(page, event, request, await subjectFor(reader, page, event, request.previews))
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
