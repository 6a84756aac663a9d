import type { Redis } from 'ioredis'
import { cursorOf } from '../src/api/cursor.ts'
import { commentIdAt } from '../src/events/position.ts'
import type { Collections, CommentDocument } from '../src/mongo/collections.ts'
import { createdComment } from '../src/projections/comments.ts'
import type { Keys } from '../src/redis/keys.ts'
import { bodyOf } from './events.ts'

/** Of ten comments in a row seven are roots; the first has two replies, the second one. */
const [inARow, rootsOfThem] = [10, 7]
const stepMs = 20
const batchSize = 1_000

/** Comments of a topic that is older than its feed: where each one stands follows from its number. */
export type Old = { topic: string; startMs: number; comments: number }

export type Stores = { collections: Pick<Collections, 'comments'>; redis: Redis; keys: Keys }

/** Writes them straight into MongoDB, as the projection would have, and their counts into Redis, as a rebuild would. */
export async function writeOld(
  { collections, redis, keys }: Stores,
  { topic, comments }: { topic: string; comments: number },
  onWritten: (done: number) => void,
): Promise<Old> {
  const old = { topic, startMs: Date.now() - 60_000 - comments * stepMs, comments }
  const counts = keys.of(topic).count(topic)
  let done = 0
  const batches = Array.from({ length: Math.ceil(comments / batchSize) }, (_, i) => i * batchSize)
  const write = async () => {
    for (let start = batches.shift(); start !== undefined; start = batches.shift()) {
      const documents = Array.from({ length: Math.min(batchSize, comments - start) }, (_, i) => documentAt(old, start + i))
      await collections.comments.insertMany(documents, { ordered: false, writeConcern: { w: 1 } })
      const replies = documents.flatMap((document) => (document.replies ? [`r:${document.position}`, document.replies.n] : []))
      const roots = documents.filter(({ rootId }) => rootId === null).length
      await redis
        .pipeline()
        .hset(counts, ...replies)
        .hincrby(counts, 'total', documents.length)
        .hincrby(counts, 'roots', roots)
        .exec()
      onWritten((done += documents.length))
    }
  }
  await Promise.all([write(), write()])
  return old
}

const positionAt = ({ startMs }: Old, number: number, n = 0) => `${startMs + number * stepMs}-${String(n).padStart(6, '0')}`

function documentAt(old: Old, number: number): CommentDocument {
  const place = number % inARow
  const row = number - place
  const rootId = place < rootsOfThem ? null : commentIdAt(positionAt(old, place === inARow - 1 ? row + 1 : row))
  const document = createdComment(old.topic, {
    position: positionAt(old, number),
    actor: `user-${number % 5_000}`,
    at: old.startMs + number * stepMs,
    data: { role: 'user', parentId: rootId, rootId, writtenAt: null, personal: { name: `User ${number % 5_000}`, body: bodyOf(number) } },
  })
  const replies = place === 0 ? 2 : place === 1 ? 1 : 0
  return replies > 0 ? { ...document, replies: { v: '0000000001-000000000001', n: replies } } : document
}

/**
 * The page of roots that begins `first` roots below the newest. A cursor names a position, not a comment: any `unique` from 1 on gives another
 * cursor with the same page, so that no cache knows it.
 */
export function pageAt(old: Old, first: number, size: number, unique: number): { cursor: string; rootIds: string[] } {
  const roots = (old.comments / inARow) * rootsOfThem
  const numberOf = (root: number) => Math.floor(root / rootsOfThem) * inARow + (root % rootsOfThem)
  const newest = roots - 1 - first
  return {
    cursor: cursorOf('newest', positionAt(old, numberOf(newest), 1 + (unique % 999_999))),
    rootIds: Array.from({ length: size }, (_, i) => commentIdAt(positionAt(old, numberOf(newest - i)))),
  }
}
