import type { Redis } from 'ioredis'
import { positionOfComment } from '../../events/position.ts'
import type { Collections } from '../../mongo/collections.ts'
import { readTimeoutMs } from '../../mongo/connect.ts'
import type { Keys } from '../../redis/keys.ts'
import { defineModelScript } from './model-script.ts'
import type { MongoGuard } from './mongo-guard.ts'

type Dependencies = { redis: Redis; keys: Keys; likes: Collections['likes']; guard: MongoGuard }
export type ReadLiked = (topic: string, user: string, comments: readonly string[]) => Promise<string[]>

/** Which of a topic's comments a user likes: from Redis, in one script; from MongoDB, a moment behind, while Redis cannot tell. */
export function createLikedReader({ redis, keys, likes, guard }: Dependencies): ReadLiked {
  const read = defineModelScript(redis, 'readLikers', ['likers.lua'])
  return async (topic, user, comments) => {
    if (comments.length === 0) return []
    const { meta, rebuilding, likers } = keys.of(topic)
    const names = comments.map((id) => likers(topic, positionOfComment(id)!))
    const registers = (await read([meta, rebuilding, ...names], [user]).catch(() => undefined)) as string[] | undefined
    if (registers) return comments.filter((_, i) => registers[i]!.endsWith('+'))
    const wanted = { _id: { $in: comments.map((id) => `${topic}/${id}/${user}`) }, topic, 'liked.isLiked': true }
    const found = await guard.run(() => likes.find(wanted, { maxTimeMS: readTimeoutMs }).toArray())
    return found.map(({ commentId }) => commentId)
  }
}
