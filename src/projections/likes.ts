import type { Redis } from 'ioredis'
import { positionOfComment } from '../events/position.ts'
import { luaFile } from '../redis/script.ts'
import { defineEffect, keyList } from './effect.ts'
import type { Projection } from './projection.ts'

/** Redis likes: how many a comment has, and who likes it. */
export function createLikes(redis: Redis): Projection {
  const run = defineEffect(redis, 'applyLikes', luaFile(import.meta.url, 'sums.lua') + luaFile(import.meta.url, 'apply-likes.lua'))
  return {
    group: 'likes',
    acknowledges: true,
    async apply(batches) {
      await Promise.all(
        batches.map(({ partition, lane, deliveries }) => {
          const keys = keyList(partition, lane, 'likes', partition.dirty('likes'))
          const args = deliveries.flatMap(({ entry: { entryId }, event }) => {
            const comment =
              event.type === 'comment.liked' || event.type === 'comment.unliked' ? positionOfComment(event.data.commentId) : undefined
            if (!comment) return [entryId, '', '', '', '', '', '']
            const { topic, actor, position, type } = event
            const [counts, likers] = [keys.index(partition.likes(topic)), keys.index(partition.likers(topic, comment))]
            return [entryId, counts, likers, topic, comment, actor, position + (type === 'comment.liked' ? '+' : '-')]
          })
          return run(keys.all, ['likes', ...args])
        }),
      )
    },
  }
}
