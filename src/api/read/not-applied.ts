import type { Redis } from 'ioredis'
import type { Recorded } from '../../events/recorded.ts'
import { positionOfComment } from '../../events/position.ts'
import type { Keys } from '../../redis/keys.ts'

/** How much a like of the reader's own changes its comment's count that the likes model has not applied yet: -1, 0 or 1. */
export async function likeNotCounted(redis: Redis, keys: Keys, event: Recorded): Promise<number> {
  if (event.type !== 'comment.liked' && event.type !== 'comment.unliked') return 0
  const { topic, actor, position, data } = event
  const register = await redis.hget(keys.of(topic).likers(topic, positionOfComment(data.commentId)!), actor).catch(() => null)
  if (register && register.slice(0, 20) >= position) return 0
  return Number(event.type === 'comment.liked') - Number(register?.slice(20) === '+')
}

/** Whether the pins already have the event, or something later on the same comment. */
export async function isPinApplied(redis: Redis, keys: Keys, event: Recorded): Promise<boolean> {
  if (event.type !== 'comment.pinned' && event.type !== 'comment.unpinned') return false
  const { topic, position, data } = event
  const register = await redis.hget(keys.of(topic).pins(topic), positionOfComment(data.commentId)!).catch(() => null)
  return register !== null && register.slice(0, 20) >= position
}
