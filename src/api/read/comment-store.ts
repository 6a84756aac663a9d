import type { Collection, Filter } from 'mongodb'
import type { CommentDocument } from '../../mongo/collections.ts'
import { bounded } from '../../mongo/bounded.ts'
import { readTimeoutMs } from '../../mongo/connect.ts'
import { type CommentView, viewOfDocument } from './comment-view.ts'

const onServer = { maxTimeMS: readTimeoutMs } as const

/** Shown, or a tombstone on which replies hang. */
const showsOrHolds = {
  $or: [
    { deleted: { $exists: false }, $or: [{ visibility: { $exists: false } }, { 'visibility.state': 'visible' }] },
    { 'replies.n': { $gt: 0 } },
  ],
} satisfies Filter<CommentDocument>

export type Span = {
  topic: string
  root: string | null
  order: 'newest' | 'oldest'
  above?: string
  below?: string
  upTo?: string
  limit: number
}

/** Comments in MongoDB, read by keyset over the index (topic, rootId, position). Every read is bounded at a second. */
export function createCommentStore(comments: Collection<CommentDocument>) {
  const views = (documents: readonly CommentDocument[]) => documents.flatMap((document) => viewOfDocument(document) ?? [])
  const position = ({ above, below, upTo }: Span) => ({
    $type: 'string' as const,
    ...(above ? { $gt: above } : {}),
    ...(below ? { $lt: below } : {}),
    ...(upTo ? { $lte: upTo } : {}),
  })
  return {
    async list(span: Span): Promise<CommentView[]> {
      const filter = { topic: span.topic, rootId: span.root, position: position(span), ...showsOrHolds }
      const found = comments
        .find(filter, onServer)
        .sort({ position: span.order === 'newest' ? -1 : 1 })
        .limit(span.limit)
      return views(await bounded(readTimeoutMs, found.toArray()))
    },
    async byId(topic: string, commentIds: readonly string[]): Promise<Map<string, CommentView>> {
      if (commentIds.length === 0) return new Map()
      const found = comments.find({ _id: { $in: commentIds.map((id) => `${topic}/${id}`) }, topic }, onServer)
      return new Map(views(await bounded(readTimeoutMs, found.toArray())).map((view) => [view.commentId, view]))
    },
    async firstReplies(topic: string, rootIds: readonly string[], count: number, upTo?: string): Promise<Map<string, CommentView[]>> {
      const lists = await Promise.all(
        rootIds.map((root) => this.list({ topic, root, order: 'oldest', limit: count, ...(upTo ? { upTo } : {}) })),
      )
      return new Map(rootIds.map((root, i) => [root, lists[i]!]))
    },
  }
}
export type CommentStore = ReturnType<typeof createCommentStore>
