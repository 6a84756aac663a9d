import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import type { Append, AppendToLog } from '../src/events/append.ts'
import { openLog } from '../src/events/open-log.ts'
import { commentIdAt } from '../src/events/position.ts'
import { collectionsOf } from '../src/mongo/collections.ts'
import { connectMongo } from '../src/mongo/connect.ts'
import { connectRedis } from '../src/redis/connect.ts'
import { createKeys } from '../src/redis/keys.ts'

export type Place = { redisUrl: string; mongodbUrl: string; prefix: string; partitions: number }

/** The log as the API opens it, without the API. */
export function openPlace({ redisUrl, mongodbUrl, prefix, partitions }: Place) {
  const log = pino({ level: 'silent' })
  const keys = createKeys(prefix, partitions)
  const redis = connectRedis(redisUrl, 'request', log)
  const mongo = connectMongo(mongodbUrl, { poolSize: 4, purpose: 'read' })
  const collections = collectionsOf(mongo.db)
  const append = openLog({ redis, keys, collections, idempotencyWindowMs: 3_600_000, log })
  return {
    keys,
    redis,
    mongo,
    collections,
    append,
    async close() {
      redis.disconnect()
      await mongo.close()
    },
  }
}

/** Posts as the API would append them; resolves with the comment's id. */
export async function post(
  append: AppendToLog,
  topic: string,
  text: string,
  { user = 'bench', parentId = null as string | null } = {},
): Promise<string> {
  const outcome = await append({
    type: 'comment.posted',
    topic,
    actor: user,
    correlationId: 'bench',
    facts: { role: 'user', parentId, writtenAt: null, ...(parentId ? {} : { rootId: null }) },
    personal: { name: `User ${user}`, body: text },
    idempotency: { key: undefined, request: text },
    ...(parentId ? { target: { commentId: parentId, rootOf: 'reply' } } : {}),
  } satisfies Append)
  if (outcome.kind !== 'appended') throw new Error(`a post came back as ${outcome.kind}`)
  return commentIdAt(outcome.event.position)
}

/** Appends `count` times, `atOnce` in flight. */
export async function inParallel(count: number, atOnce: number, one: (i: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const loop = async () => {
    while (next < count) await one(next++)
  }
  await Promise.all(Array.from({ length: atOnce }, loop))
}

/** Resolves when `isTrue`; rejects after `patienceMs`. */
export async function until(what: string, isTrue: () => Promise<boolean>, patienceMs = 120_000, everyMs = 50): Promise<void> {
  for (const deadline = performance.now() + patienceMs; !(await isTrue()); await delay(everyMs))
    if (performance.now() > deadline) throw new Error(`${what}: not within ${patienceMs / 1_000} s`)
}
