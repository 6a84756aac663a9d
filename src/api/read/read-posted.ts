import type { Redis } from 'ioredis'
import { fieldsOf } from '../../events/append.ts'
import { type Position, entryAt } from '../../events/position.ts'
import { decodeEntry } from '../../events/recorded.ts'
import { snapshotOf } from '../../projections/comments.ts'
import type { Keys } from '../../redis/keys.ts'
import { type CommentView, viewOfSnapshot } from './comment-view.ts'

export type ReadPosted = (topic: string, positions: readonly Position[]) => Promise<Map<Position, CommentView>>

/** Comments as the log has them, by position: for what no consumer may have seen yet. One round trip; rejects while Redis is away. */
export const createPostedReader =
  (redis: Redis, keys: Keys): ReadPosted =>
  async (topic, positions) => {
    const found = new Map<Position, CommentView>()
    const read = async (lane: string, position: Position) => {
      const entryId = entryAt(position)
      const [entry] = await redis.xrange(keys.of(topic).lane(lane), entryId, entryId)
      const event = entry && decodeEntry({ lane, entryId, fields: fieldsOf(entry[1]) })
      if (event?.type === 'comment.posted' && event.topic === topic && event.position === position)
        found.set(position, viewOfSnapshot(topic, snapshotOf(event)))
    }
    const lanes = ['global', 'priority', `hot:${topic}`]
    await Promise.all(positions.flatMap((position) => lanes.map((lane) => read(lane, position))))
    return found
  }
