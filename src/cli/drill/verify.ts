import type { Redis } from 'ioredis'
import { groupNames } from '../../events/groups.ts'
import { positionOfComment } from '../../events/position.ts'
import { type Collections, archiveKey } from '../../mongo/collections.ts'
import type { Keys } from '../../redis/keys.ts'
import type { Ledger } from './ledger.ts'
import type { Topics } from './topics.ts'

/** How one read model compares with what was acknowledged. */
export type Comparison = { expected: number; found: number; missing: number; unexpected: number; examples: string[] }

const start = (): Comparison => ({ expected: 0, found: 0, missing: 0, unexpected: 0, examples: [] })
function note(comparison: Comparison, kind: 'missing' | 'unexpected', what: string): void {
  comparison[kind] += 1
  if (comparison.examples.length < 5) comparison.examples.push(`${kind} ${what}`)
}

type Verify = {
  ledger: Ledger
  topics: Topics
  keys: Keys
  collections: Collections
  redis: Redis
  sinceMs: number
  /** Dead letters when the run began. */
  deadBefore: number
}

/** Acknowledged events against the archive, acknowledged posts against the comments, numbers of replies and likes against both stores. */
export async function verifyStores({ ledger, topics, keys, collections, redis, sinceMs, deadBefore }: Verify) {
  const events = await compareEvents()
  const comments = start()
  const replies = start()
  const likes = start()
  const left = [...topics.names.entries()]
  const compareNext = async () => {
    for (let next = left.pop(); next; next = left.pop()) await compareTopic(...next)
  }
  await Promise.all(Array.from({ length: 8 }, compareNext))
  const dead = (await deadLetters(redis, keys)) - deadBefore
  return { events, comments, replies, likes, dead }

  /** A range of the archive's ids: of a large archive only what is as new as the run is read. */
  async function compareEvents(): Promise<Comparison> {
    const comparison = start()
    const numbers = new Map(topics.names.map((name, topic) => [name, topic]))
    const found = new Map<number, Set<string>>()
    for (const { partition } of keys.partitions) {
      const from = archiveKey(partition, String(sinceMs).padStart(13, '0'))
      const range = { _id: { $gte: from, $lt: archiveKey(partition, '~') }, topic: { $in: [...topics.names] } }
      for await (const { _id, topic } of collections.events.find(range, { projection: { _id: 1, topic: 1 } })) {
        const number = numbers.get(topic)
        if (number === undefined) continue
        comparison.found += 1
        const ofTopic = found.get(number) ?? new Set()
        found.set(number, ofTopic.add(_id.split('/')[1]!))
      }
    }
    for (const [topic, name] of topics.names.entries()) compareSets(comparison, name, ledger.events.get(topic), found.get(topic))
    return comparison
  }

  async function compareTopic(topic: number, name: string): Promise<void> {
    const ids = new Set<string>()
    const stored = new Map<string, { replies: number; likes: number }>()
    const fields = { projection: { commentId: 1, author: 1, likes: 1, replies: 1 } }
    for await (const document of collections.comments.find({ topic: name }, fields)) {
      if (document.author) ids.add(document.commentId) // without one it is a stub: its creation is not there
      stored.set(document.commentId, { replies: document.replies?.n ?? 0, likes: document.likes?.n ?? 0 })
    }
    comments.found += ids.size
    compareSets(comments, name, ledger.posts.get(topic), ids)
    const [count, like] = await Promise.all([redis.hgetall(keys.of(name).count(name)), redis.hgetall(keys.of(name).likes(name))])
    const expectedReplies = ledger.replies.get(topic) ?? new Map<string, number>()
    const expectedLikes = ledger.likesOf(topic)
    for (const id of new Set([...expectedReplies.keys(), ...stored.keys()])) {
      const position = positionOfComment(id)!
      compareNumber(
        replies,
        `replies of ${name}/${id}`,
        expectedReplies.get(id) ?? 0,
        Number(count[`r:${position}`] ?? 0),
        stored.get(id)?.replies ?? 0,
      )
    }
    for (const id of new Set([...expectedLikes.keys(), ...stored.keys()])) {
      const position = positionOfComment(id)!
      compareNumber(likes, `likes of ${name}/${id}`, expectedLikes.get(id) ?? 0, Number(like[position] ?? 0), stored.get(id)?.likes ?? 0)
    }
  }
}

function compareSets(
  comparison: Comparison,
  name: string,
  expected: ReadonlySet<string> = new Set(),
  found: ReadonlySet<string> = new Set(),
): void {
  comparison.expected += expected.size
  for (const one of expected) if (!found.has(one)) note(comparison, 'missing', `${name} ${one}`)
  for (const one of found) if (!expected.has(one)) note(comparison, 'unexpected', `${name} ${one}`)
}

/** A number in Redis and the same in MongoDB. `found` and `expected` are sums. */
function compareNumber(comparison: Comparison, what: string, expected: number, inRedis: number, inMongo: number): void {
  comparison.expected += expected
  comparison.found += inRedis
  const wrong = [inRedis === expected ? [] : [`${inRedis} in Redis`], inMongo === expected ? [] : [`${inMongo} in MongoDB`]].flat()
  if (wrong.length > 0)
    note(
      comparison,
      inRedis < expected || inMongo < expected ? 'missing' : 'unexpected',
      `${what}: ${wrong.join(', ')} instead of ${expected}`,
    )
}

/** Dead letters of all groups, those that were there before the run among them. */
export async function deadLetters(redis: Redis, keys: Keys): Promise<number> {
  const lengths = keys.partitions.flatMap((partition) => groupNames.map((group) => redis.xlen(partition.dead(group))))
  return (await Promise.all(lengths)).reduce((a, b) => a + b, 0)
}
