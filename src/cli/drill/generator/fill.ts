import { setTimeout as delay } from 'node:timers/promises'
import { pino } from 'pino'
import type { Append, Outcome } from '../../../events/append.ts'
import { openLog } from '../../../events/open-log.ts'
import { commentIdAt } from '../../../events/position.ts'
import { collectionsOf } from '../../../mongo/collections.ts'
import { connectMongo } from '../../../mongo/connect.ts'
import { connectRedis } from '../../../redis/connect.ts'
import { createKeys } from '../../../redis/keys.ts'
import type { Stores } from '../messages.ts'
import type { Tally } from './tally.ts'

const mostUnderWay = 512
const everyMs = 5

type Fill = { stores: Stores; topic: number; name: string; events: number; perSecond: number; text(): string; tally: Tally }

/** Events as the API would append them: seven of ten posts or replies, three likes, each by another fan. Rejects where the log refuses one. */
export async function fill({ stores, topic, name, events, perSecond, text, tally }: Fill): Promise<{ appended: number; tookMs: number }> {
  const log = pino({ level: 'silent' })
  const keys = createKeys(stores.keyPrefix, stores.partitions)
  const redis = connectRedis(stores.redisUrl, 'request', log)
  const mongo = connectMongo(stores.mongodbUrl, { poolSize: 2, purpose: 'read' })
  const append = openLog({ redis, keys, collections: collectionsOf(mongo.db), idempotencyWindowMs: stores.idempotencyWindowMs, log })
  const recent: { id: string; rootId: string | null }[] = []
  let fans = 0

  async function appendOne(): Promise<void> {
    const fan = `drill-fan-${(fans += 1)}`
    const dice = Math.random()
    const target = recent[Math.floor(Math.random() * recent.length)]
    if (target && dice < 0.3) {
      const liked = await append({ ...start('comment.liked', fan), facts: { commentId: target.id }, target: { commentId: target.id } })
      if ('entryId' in liked)
        tally.now.acknowledged.push({ kind: 'like', topic, id: target.id, user: fan, isLiked: true, entryId: liked.entryId })
      return
    }
    const parent = dice < 0.45 ? target : undefined
    const body = text()
    const id = postedBy(
      await append({
        ...start('comment.posted', fan),
        facts: { role: 'user', parentId: parent?.id ?? null, writtenAt: null, ...(parent ? {} : { rootId: null }) },
        personal: { name: fan, body },
        idempotency: { key: undefined, request: body },
        ...(parent ? { target: { commentId: parent.id, rootOf: 'reply' } } : {}),
      }),
    )
    const rootId = parent ? (parent.rootId ?? parent.id) : null
    tally.now.acknowledged.push({ kind: 'post', topic, id, rootId })
    recent.push({ id, rootId })
    if (recent.length > 200) recent.shift()
  }
  const start = (type: Append['type'], actor: string) => ({ type, topic: name, actor, correlationId: 'drill' })

  const startedMs = performance.now()
  const faults: unknown[] = []
  const count = { begun: 0, underWay: 0, appended: 0 }
  try {
    while (count.appended < events) {
      if (faults.length > 0) throw faults[0]
      const due = Math.min(events, Math.floor(((performance.now() - startedMs) / 1_000) * perSecond))
      for (; count.begun < due && count.underWay < mostUnderWay; count.begun++) {
        count.underWay += 1
        void appendOne()
          .then(
            () => (count.appended += 1),
            (error: unknown) => faults.push(error),
          )
          .finally(() => (count.underWay -= 1))
      }
      await delay(everyMs)
    }
    return { appended: count.appended, tookMs: performance.now() - startedMs }
  } finally {
    redis.disconnect()
    await mongo.close()
  }
}

function postedBy(outcome: Outcome): string {
  if ('event' in outcome) return commentIdAt(outcome.event.position)
  throw new Error(`a post came back as ${outcome.kind}`)
}
