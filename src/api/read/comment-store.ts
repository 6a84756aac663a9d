import type { Collection, Document, Filter } from 'mongodb'
import type { CommentDocument } from '../../mongo/collections.ts'
import { readTimeoutMs } from '../../mongo/connect.ts'
import { type CommentView, viewOfDocument } from './comment-view.ts'
import type { MongoGuard } from './mongo-guard.ts'

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

/** Comments in MongoDB, read by keyset over the index (topic, rootId, position), each read behind the guard. */
export function createCommentStore(comments: Collection<CommentDocument>, { run }: MongoGuard) {
  const views = (documents: readonly CommentDocument[]) => documents.flatMap((document) => viewOfDocument(document) ?? [])
  const position = ({ above, below, upTo }: Partial<Span>) => ({
    $type: 'string' as const,
    ...(above ? { $gt: above } : {}),
    ...(below ? { $lt: below } : {}),
    ...(upTo ? { $lte: upTo } : {}),
  })
  return {
    async list(span: Span): Promise<CommentView[]> {
      const filter = { topic: span.topic, rootId: span.root, position: position(span), ...showsOrHolds }
      const sort = { position: span.order === 'newest' ? -1 : 1 } as const
      return views(await run(() => comments.find(filter, onServer).sort(sort).limit(span.limit).toArray()))
    },
    async byId(topic: string, commentIds: readonly string[]): Promise<Map<string, CommentView>> {
      if (commentIds.length === 0) return new Map()
      const _id = { $in: commentIds.map((id) => `${topic}/${id}`) }
      const found = views(await run(() => comments.find({ _id, topic }, onServer).toArray()))
      return new Map(found.map((view) => [view.commentId, view]))
    },
    /** In one read, whatever the number of roots: a page takes two places behind the guard at most. */
    async firstReplies(topic: string, rootIds: readonly string[], count: number, upTo?: string): Promise<Map<string, CommentView[]>> {
      if (rootIds.length === 0) return new Map()
      const replies = { topic, position: position(upTo ? { upTo } : {}), ...showsOrHolds }
      const pipeline = [
        { $match: { _id: { $in: rootIds.map((id) => `${topic}/${id}`) }, topic } },
        {
          $lookup: {
            from: comments.collectionName,
            localField: 'commentId',
            foreignField: 'rootId',
            pipeline: [{ $match: replies }, { $sort: { position: 1 } }, { $limit: count }],
            as: 'found',
          },
        },
        { $project: { commentId: 1, found: 1 } },
      ] satisfies Document[]
      type Row = { commentId: string; found: CommentDocument[] }
      const rows = await run(() => comments.aggregate<Row>(pipeline, onServer).toArray())
      return new Map(rows.map(({ commentId, found }) => [commentId, views(found)]))
    },
  }
}
export type CommentStore = ReturnType<typeof createCommentStore>
