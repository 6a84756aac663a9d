import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import type { FeedTuple } from './comment-view.ts'
import { defineModelScript } from './model-script.ts'
import { type Version, versionIn, versionText } from './version.ts'

export type FeedRequest = {
  topic: string
  /** List the replies of this root's position; roots otherwise. */
  root?: string
  order: 'newest' | 'oldest' | 'hot'
  /** Start after this position; after `<score>/<position>` in the hot order. */
  after?: string
  /** 0: list none. */
  limit: number
  previews: number
  /** Where the topic's models are still of this version, nothing else is read. */
  unless?: Version | undefined
  /** Positions of further comments to return. */
  further?: readonly string[]
}

export type FeedReply = {
  version: Version
  isUnchanged: boolean
  /** The feed has every comment above it, and all of the topic when it is empty. */
  floor: string
  listed: FeedTuple[]
  /** The newest pins of a list of roots, those that are known not to show left out; more than can be shown where some are below the floor. */
  pins: { register: string; comment: FeedTuple }[]
  /** All pinned positions, replies' too. */
  pinned: ReadonlySet<string>
  further: FeedTuple[]
}

export type ReadFeed = (request: FeedRequest) => Promise<FeedReply>
type Reply = [string, string?, FeedTuple[]?, [string, FeedTuple][]?, string[]?, FeedTuple[]?]

/** One script a call; rejects at once while Redis is away or its models are not whole, and after the connection's command timeout when it hangs. */
export function createFeedReader(redis: Redis, keys: Keys): ReadFeed {
  const readFeed = defineModelScript(redis, 'readFeed', ['version.lua', 'feed.lua'])
  return async ({ topic, root = '', order, after = '', limit, previews, unless, further = [] }) => {
    const { feed, feedRoots, feedReplies, pins, count, likes, meta, rebuilding, ranked } = keys.of(topic)
    const names = [...[feed, feedRoots, feedReplies, pins, count, likes].map((name) => name(topic)), meta, rebuilding, ranked(topic)]
    const known = unless ? versionText(unless) : ''
    const reply = await readFeed(names, [root, order, after, limit, previews, known, ...further])
    const [version, floor = '', listed = [], pinned = [], positions = [], others = []] = reply as Reply
    return {
      version: versionIn(version),
      isUnchanged: version === known,
      floor,
      listed,
      pins: pinned.map(([register, comment]) => ({ register, comment })),
      pinned: new Set(positions),
      further: others,
    }
  }
}
