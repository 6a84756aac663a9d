import { positionOfComment, positionOfEntry } from '../../events/position.ts'
import type { Acknowledged, Tick } from './messages.ts'

/** What was acknowledged, and what must follow from it; topics by number. */
export type Ledger = {
  add(acknowledged: readonly Acknowledged[], unsure: Tick['unsure']): void
  readonly posts: ReadonlyMap<number, ReadonlySet<string>>
  /** Positions of all acknowledged events. */
  readonly events: ReadonlyMap<number, ReadonlySet<string>>
  /** `<root id>` to its replies. */
  readonly replies: ReadonlyMap<number, ReadonlyMap<string, number>>
  /** Comment id to how many like it. */
  likesOf(topic: number): Map<string, number>
  /** What may be there on top: writes whose outcome nobody was told. */
  readonly unsure: { posts: number; events: number }
}

export function createLedger(): Ledger {
  const posts = new Map<number, Set<string>>()
  const events = new Map<number, Set<string>>()
  const replies = new Map<number, Map<string, number>>()
  const likes = new Map<number, Map<string, Map<string, boolean>>>()
  const sure = { posts: 0, events: 0 }
  const of = <K, V>(map: Map<K, V>, key: K, make: () => V): V => {
    const known = map.get(key)
    if (known !== undefined) return known
    const made = make()
    map.set(key, made)
    return made
  }

  function addOne(item: Acknowledged): void {
    const { topic } = item
    const positions = of(events, topic, () => new Set())
    if (item.kind !== 'post') positions.add(positionOfEntry(item.entryId))
    if (item.kind === 'like')
      of(
        of(likes, topic, () => new Map<string, Map<string, boolean>>()),
        item.id,
        () => new Map(),
      ).set(item.user, item.isLiked)
    if (item.kind !== 'post') return
    positions.add(positionOfComment(item.id)!)
    of(posts, topic, () => new Set()).add(item.id)
    if (item.rootId === null) return
    const ofTopic = of(replies, topic, () => new Map<string, number>())
    ofTopic.set(item.rootId, (ofTopic.get(item.rootId) ?? 0) + 1)
  }

  return {
    posts,
    events,
    replies,
    unsure: sure,
    add(acknowledged, unsure) {
      for (const item of acknowledged) addOne(item)
      sure.posts += unsure.posts
      sure.events += unsure.events
    },
    likesOf: (topic) =>
      new Map([...(likes.get(topic) ?? [])].map(([id, users]) => [id, [...users.values()].filter((isLiked) => isLiked).length])),
  }
}

export const sizeOf = (sets: ReadonlyMap<number, ReadonlySet<string>>): number =>
  [...sets.values()].reduce((sum, { size }) => sum + size, 0)
