import type { CommentView } from './comment-view.ts'
import { type About, newAbout } from './page-parts.ts'
import { type CommentReader, requireTold } from './read-comments.ts'
import type { Version } from './version.ts'

/** A comment among those it belongs to; no `comment`: there is none. */
export type Thread = About & Partial<Record<'comment' | 'root' | 'previous' | 'next', CommentView | undefined>>

/**
 * One comment with its root and neighbours. `known`: as its creation wrote it, where no model may have it yet. Undefined: the topic's Redis
 * models are still of the version `unless`. Rejects with `unavailable` where it cannot be told whether there is one.
 */
export async function readThread(
  reader: CommentReader,
  topic: string,
  id: string,
  unless?: Version,
  known?: CommentView,
): Promise<Thread | undefined> {
  const found = known ? await reader.byId(topic, [id], 3, known) : await reader.byId(topic, [id], 3, undefined, unless)
  if (!found) return undefined
  requireTold(found)
  const { views, ...about } = found
  const comment = views[0]
  if (!comment) return about
  const [root, beside] = await Promise.all([
    comment.rootId ? reader.byId(topic, [comment.rootId], 3) : undefined,
    reader
      .neighbours(comment)
      .catch(() => ({ ...newAbout(), degraded: new Set(['older'] as const), previous: undefined, next: undefined })),
  ])
  return {
    version: about.version,
    degraded: new Set([...about.degraded, ...(root?.degraded ?? []), ...beside.degraded]),
    usesStore: about.usesStore || beside.usesStore || (root?.usesStore ?? false),
    comment,
    root: root?.views[0],
    previous: beside.previous,
    next: beside.next,
  }
}
