import type { Redis } from 'ioredis'
import { positionOfComment } from '../events/position.ts'
import { luaFile } from '../redis/script.ts'
import { defineEffect, keyList } from './effect.ts'
import type { Projection } from './projection.ts'
import { rankedCap } from './ranked.ts'

const kindOf = (rootId: string | null | undefined) => (rootId === undefined ? '' : rootId === null ? 'root' : 'reply')

/** Redis likes: how many a comment has, and who likes it; with the counts, the hot order of the roots. */
export function createLikes(redis: Redis, cap = rankedCap): Projection {
  const run = defineEffect(
    redis,
    'applyLikes',
    ['sums.lua', 'rank.lua', 'apply-likes.lua'].map((name) => luaFile(import.meta.url, name)).join(''),
  )
  return {
    group: 'likes',
    acknowledges: true,
    async apply(batches) {
      await Promise.all(
        batches.map(({ partition, lane, deliveries }) => {
          const keys = keyList(partition, lane, 'likes', partition.dirty('likes'))
          const args = deliveries.flatMap(({ entry: { entryId }, event }) => {
            if (event.type !== 'comment.liked' && event.type !== 'comment.unliked') return [entryId, '', '', '', '', '', '', '']
            const { topic, actor, position, type, data } = event
            const comment = positionOfComment(data.commentId)
            if (!comment) return [entryId, '', '', '', '', '', '', '']
            const first = keys.index(partition.likes(topic), partition.count(topic), partition.ranked(topic))
            const likers = keys.index(partition.likers(topic, comment))
            const register = position + (type === 'comment.liked' ? '+' : '-')
            return [entryId, first, likers, topic, comment, kindOf(data.rootId), actor, register]
          })
          return run(keys.all, ['likes', cap, ...args])
        }),
      )
    },
  }
}
