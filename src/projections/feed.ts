import type { Redis } from 'ioredis'
import type { EventType, Snapshot } from '../events/comment-events.ts'
import { msOf, positionOfComment } from '../events/position.ts'
import type { Recorded } from '../events/recorded.ts'
import { luaFile } from '../redis/script.ts'
import { snapshotOf } from './comments.ts'
import { defineEffect, keyList } from './effect.ts'
import type { Projection } from './projection.ts'

/** How many comments of a topic the feed keeps: three pages of the largest size, about 150 kB. */
export const feedCap = 300

type Op =
  | ['create', position: string, root: string, creation: string]
  | ['set', position: string, name: 'body' | 'deleted' | 'visibility', register: string]
  | ['pin', position: string, register: string]

const positionOf = (commentId: string | null): string => (commentId === null ? '' : (positionOfComment(commentId) ?? ''))
const creation = (snapshot: Snapshot): Op => ['create', snapshot.position, positionOf(snapshot.data.rootId), JSON.stringify(snapshot)]
const visibility =
  (state: string) =>
  ({ position, data }: { position: string; data: { commentId: string } }): Op[] => [
    ['set', positionOf(data.commentId), 'visibility', position + state],
  ]
const nothing = (): Op[] => []

/** What each event does to the feed of its topic. */
const opsOf: { [T in EventType]: (event: Recorded<T>) => Op[] } = {
  'comment.posted': (event) => [...(event.data.personal?.targets ?? []).map(creation), creation(snapshotOf(event))],
  'comment.edited': ({ position, at, data: { commentId, personal } }) => [
    ['set', positionOf(commentId), 'body', position + JSON.stringify({ text: personal?.body ?? null, at: at.getTime() })],
  ],
  'comment.deleted': ({ position, data: { commentId, by } }) => [['set', positionOf(commentId), 'deleted', position + by]],
  'comment.hidden': visibility('hidden'),
  'comment.restored': visibility('visible'),
  'comment.held': visibility('held'),
  'comment.approved': visibility('visible'),
  'comment.pinned': ({ position, data: { commentId, personal } }) => [
    ...(personal?.targets ?? []).map(creation),
    ['pin', positionOf(commentId), `${position}+${personal?.targets?.[0] ? JSON.stringify(personal.targets[0]) : ''}`],
  ],
  'comment.unpinned': ({ position, data: { commentId } }) => [['pin', positionOf(commentId), `${position}-`]],
  'comment.liked': nothing,
  'comment.unliked': nothing,
  'comment.reported': nothing,
  'user.banned': nothing,
  'user.unbanned': nothing,
  'dead-letter.discarded': nothing,
  'read-model.repaired': nothing,
}

/** Redis feed: the newest comments of a topic, its pins, and which topics are active. */
export function createFeed(redis: Redis, cap = feedCap): Projection {
  const run = defineEffect(redis, 'applyFeed', luaFile(import.meta.url, 'apply-feed.lua'))
  return {
    group: 'feed',
    acknowledges: true,
    async apply(batches) {
      await Promise.all(
        batches.map(({ partition, lane, deliveries }) => {
          const keys = keyList(partition, lane, 'feed', partition.topics)
          const args = deliveries.flatMap(({ entry: { entryId }, event }) => {
            const { topic, position } = event
            const ops = (opsOf[event.type] as (event: Recorded) => Op[])(event)
            if (ops.length === 0) return [entryId, '', '', '', '', '']
            const { feed, feedIndex, feedRoots, feedReplies, feedStubs, pins } = partition
            const first = keys.index(feed(topic), feedIndex(topic), feedRoots(topic), feedReplies(topic), feedStubs(topic), pins(topic))
            const rows = [...ops, ['active', topic, msOf(position)] as const]
            return rows.flatMap(([op, a, b, c = ''], row) => [row === 0 ? entryId : '', first, op, a, b, c])
          })
          return run(keys.all, ['feed', cap, ...args])
        }),
      )
    },
  }
}
