import type { Redis } from 'ioredis'
import type { Recorded } from '../../events/recorded.ts'
import { positionOfComment } from '../../events/position.ts'
import type { Keys } from '../../redis/keys.ts'

type OfLike = Recorded<'comment.liked' | 'comment.unliked'>
type OfPin = Recorded<'comment.pinned' | 'comment.unpinned'>

/** How much a like of the reader's own changes its comment's count that the likes model has not applied yet: -1, 0 or 1; undefined: it has. */
export async function likeNotCounted(
  redis: Redis,
  keys: Keys,
  { topic, actor, position, type, data }: OfLike,
): Promise<number | undefined> {
  const register = await redis.hget(keys.of(topic).likers(topic, positionOfComment(data.commentId)!), actor).catch(() => null)
  if (register && register.slice(0, 20) >= position) return undefined
  return Number(type === 'comment.liked') - Number(register?.slice(20) === '+')
}

/** Whether the pins already have the event, or something later on the same comment. */
export async function isPinApplied(redis: Redis, keys: Keys, { topic, position, data }: OfPin): Promise<boolean> {
  const register = await redis.hget(keys.of(topic).pins(topic), positionOfComment(data.commentId)!).catch(() => null)
  return register !== null && register.slice(0, 20) >= position
}
