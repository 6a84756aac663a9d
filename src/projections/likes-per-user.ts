import type { AnyBulkWriteOperation, Collection } from 'mongodb'
import type { Recorded } from '../events/recorded.ts'
import type { LikeDocument } from '../mongo/collections.ts'
import { updateAll } from './write-many.ts'

/** Merges the likes of a batch: who liked what, the later position wins. */
export async function applyToLikes(likes: Collection<LikeDocument>, events: readonly Recorded[]): Promise<void> {
  const merges = events.flatMap((event): AnyBulkWriteOperation<LikeDocument>[] => {
    if (event.type !== 'comment.liked' && event.type !== 'comment.unliked') return []
    const { topic, actor: user, position: v, data } = event
    const liked = { v, isLiked: event.type === 'comment.liked' }
    const filter = { _id: `${topic}/${data.commentId}/${user}`, topic }
    return [{ updateOne: { filter, update: { $max: { liked }, $setOnInsert: { commentId: data.commentId, user } }, upsert: true } }]
  })
  await updateAll(likes, merges)
}
