import type { QueryDependencies } from '../dependencies.ts'
import { likeNotCounted } from '../read/adjust-likes.ts'
import type { OwnWrite } from '../read/own-write.ts'
import { overlay, subjectOf } from '../read/overlay.ts'
import { present } from '../read/present.ts'
import type { Page, PageRequest } from '../read/read-comments.ts'

/** A page as JSON, with the reader's own write in it where they show its token. */
export async function presentPage(
  { redis, keys }: Pick<QueryDependencies, 'redis' | 'keys'>,
  page: Page,
  { event, isUnknown }: OwnWrite,
  request: PageRequest,
) {
  const shown = event ? overlay(page, event, request) : page
  const likes = event ? await likeNotCounted(redis, keys, event) : 0
  const items = [...shown.pinned, ...shown.items].map((view) => {
    const isSubject = likes !== 0 && event && subjectOf(event) === view.commentId
    return present(isSubject && view.likes !== null ? { ...view, likes: view.likes + likes } : view)
  })
  return { items, nextAfter: page.nextAfter, degraded: [...page.degraded, ...(isUnknown ? (['after'] as const) : [])] }
}
