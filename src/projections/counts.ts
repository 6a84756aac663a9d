import type { Redis } from 'ioredis'
import type { EventType } from '../events/comment-events.ts'
import { entryAt, positionOfComment } from '../events/position.ts'
import type { Recorded } from '../events/recorded.ts'
import { luaFile } from '../redis/script.ts'
import { defineEffect, keyList } from './effect.ts'
import type { Projection } from './projection.ts'
import { rankedCap } from './ranked.ts'

type Effect = { op: 'create' | 'delete' | 'show'; comment: string; root: string; value: string } | undefined

const rootPosition = (rootId: string | null): string => (rootId === null ? '' : (positionOfComment(rootId) ?? ''))
const show =
  (state: 'visible' | 'hidden' | 'held') =>
  ({ position, data: { commentId, rootId } }: { position: string; data: { commentId: string; rootId: string | null } }): Effect => ({
    op: 'show',
    comment: rootPosition(commentId),
    root: rootPosition(rootId),
    value: position + state,
  })
const nothing = (): Effect => undefined

/** What each event does to the counts of its topic. */
const effectOf: { [T in EventType]: (event: Recorded<T>) => Effect } = {
  'comment.posted': ({ position, data }) => ({ op: 'create', comment: position, root: rootPosition(data.rootId), value: '' }),
  'comment.edited': nothing,
  'comment.deleted': ({ position, data: { commentId, rootId } }) => ({
    op: 'delete',
    comment: rootPosition(commentId),
    root: rootPosition(rootId),
    value: position,
  }),
  'comment.hidden': show('hidden'),
  'comment.restored': show('visible'),
  'comment.held': show('held'),
  'comment.approved': show('visible'),
  'comment.pinned': nothing,
  'comment.unpinned': nothing,
  'comment.liked': nothing,
  'comment.unliked': nothing,
  'comment.reported': nothing,
  'user.banned': nothing,
  'user.unbanned': nothing,
  'dead-letter.discarded': nothing,
  'read-model.repaired': nothing,
}

/** Redis counts: total and roots of a topic, replies of a root; with the likes, the hot order of the roots. */
export function createCounts(redis: Redis, cap = rankedCap): Projection {
  const run = defineEffect(
    redis,
    'applyCounts',
    ['sums.lua', 'rank.lua', 'apply-counts.lua'].map((name) => luaFile(import.meta.url, name)).join(''),
  )
  return {
    group: 'counts',
    acknowledges: true,
    async apply(batches) {
      await Promise.all(
        batches.map(({ partition, lane, deliveries }) => {
          const keys = keyList(partition, lane, 'counts', partition.dirty('counts'))
          const args = deliveries.flatMap(({ entry: { entryId, fields }, event }) => {
            const effect = (effectOf[event.type] as (event: Recorded) => Effect)(event)
            if (!effect) return [entryId, '', '', '', '', '', '', '']
            const { op, comment, root, value } = effect
            const { count, likes, ranked } = partition
            const first = keys.index(count(event.topic), likes(event.topic), ranked(event.topic))
            if (op !== 'create' || !fields['origin']) return [entryId, first, event.topic, op, comment, root, value, '']
            return [entryId, first, event.topic, 'recreate', comment, root, entryAt(event.position), keys.index(partition.lane(event.lane))]
          })
          return run(keys.all, ['counts', cap, ...args])
        }),
      )
    },
  }
}
