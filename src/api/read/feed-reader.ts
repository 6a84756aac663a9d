import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import { luaFile } from '../../redis/script.ts'
import type { FeedTuple } from './comment-view.ts'

export type FeedRequest = {
  topic: string
  /** List the replies of this root's position; roots otherwise. */
  root?: string
  order: 'newest' | 'oldest'
  /** Start after this position. */
  after?: string
  /** 0: list none. */
  limit: number
  previews: number
  /** Positions of further comments to return. */
  further?: readonly string[]
}

/** `floor`: the feed has every comment above it, and all of the topic when it is empty. */
export type FeedReply = { floor: string; listed: FeedTuple[]; pins: { register: string; comment: FeedTuple }[]; further: FeedTuple[] }

export type ReadFeed = (request: FeedRequest) => Promise<FeedReply>

/** One script a call; rejects at once while Redis is away or its models are not whole, and after the connection's command timeout when it hangs. */
export function createFeedReader(redis: Redis, keys: Keys): ReadFeed {
  redis.defineCommand('readFeed', { lua: luaFile(import.meta.url, 'feed.lua'), readOnly: true })
  const readFeed = (redis as unknown as { readFeed(...args: (string | number)[]): Promise<unknown> }).readFeed.bind(redis)
  return async ({ topic, root = '', order, after = '', limit, previews, further = [] }) => {
    const { feed, feedRoots, feedReplies, pins, count, likes, meta, rebuilding } = keys.of(topic)
    const names = [...[feed, feedRoots, feedReplies, pins, count, likes].map((name) => name(topic)), meta, rebuilding]
    const reply = await readFeed(names.length, ...names, root, order, after, limit, previews, ...further)
    const [floor, listed, pinned, others] = reply as [string, FeedTuple[], [string, FeedTuple][], FeedTuple[]]
    return { floor, listed, pins: pinned.map(([register, comment]) => ({ register, comment })), further: others }
  }
}
