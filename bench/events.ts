import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { groupNames } from '../src/events/groups.ts'
import { commentIdAt, positionOfEntry } from '../src/events/position.ts'
import type { Keys } from '../src/redis/keys.ts'

const words = 'this song takes me right back to the summer when we drove along the coast and sang it until nobody had a voice left'.split(
  ' ',
)
/** A comment of about the real ones' median length (70 characters), different each time. */
export const bodyOf = (n: number): string => `${n} ${Array.from({ length: 13 }, (_, i) => words[(n * 7 + i * 5) % words.length]).join(' ')}`

export type Fill = { kind: 'posts' | 'likes'; count: number; topics: number }

/** Writes events straight into `global`, in the form the append script gives them, with every group at the start. */
export async function fillLog(redis: Redis, keys: Keys, { kind, count, topics }: Fill): Promise<void> {
  for (const partition of keys.partitions) {
    for (const lane of ['global', 'priority']) {
      for (const group of groupNames) await redis.xgroup('CREATE', partition.lane(lane), group, '0', 'MKSTREAM')
    }
    await redis.hset(partition.meta, { term: 1, lastTerm: 1 })
  }
  const startMs = Date.now() - count
  for (let start = 0; start < count; start += 1_000) {
    const pipeline = redis.pipeline()
    for (let i = start; i < Math.min(count, start + 1_000); i++) {
      const topic = `song:bench-${i % topics}`
      const entry = `${startMs + i}-0`
      const fields = kind === 'posts' ? post(i) : like(i, startMs)
      pipeline.xadd(
        keys.of(topic).lane('global'),
        entry,
        ...[
          'id',
          randomUUID(),
          'type',
          fields.type,
          'v',
          '1',
          'topic',
          topic,
          'seq',
          String(i + 1),
          'term',
          '1',
          'actor',
          `user-${i % 5_000}`,
        ],
        ...['at', String(startMs + i), 'cid', 'bench', 'key', '', 'data', fields.data],
      )
    }
    await pipeline.exec()
  }
}

const post = (i: number) => ({
  type: 'comment.posted',
  data: JSON.stringify({
    role: 'user',
    parentId: null,
    writtenAt: null,
    rootId: null,
    personal: { name: `User ${i % 5_000}`, body: bodyOf(i) },
  }),
})
const like = (i: number, startMs: number) => ({
  type: 'comment.liked',
  data: JSON.stringify({ commentId: commentIdAt(positionOfEntry(`${startMs + (i % 200)}-0`)), rootId: null }),
})
