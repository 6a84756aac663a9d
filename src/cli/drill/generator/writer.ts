import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Call } from './http-client.ts'
import { type Tally, keepSample } from './tally.ts'
import type { Users } from './users.ts'

/** How long a write whose outcome is not known is repeated with its key, ms. */
const patienceMs = 15_000
const repeatEveryMs = 150

type Dependencies = { send(call: Call): Promise<Answer>; users: Users; topicName(topic: number): string; tally: Tally }
type Options = { isFlood?: boolean; token?: string }

/**
 * What people do. Each resolves with what was acknowledged and notes it; undefined where it was refused: 429, or 503 `overloaded`, in which nothing
 * was appended. Every other 503, and a connection that broke, is repeated with the same key until the outcome is known.
 */
export function createWriter({ send, users, topicName, tally }: Dependencies) {
  async function write(call: Call, { isFlood }: Options, unsure: 'posts' | 'events'): Promise<Answer | undefined> {
    const [atMs, startedMs] = [Date.now(), performance.now()]
    for (let repeats = 0; ; repeats++) {
      const answer = await send(call)
      const { writes } = tally.now
      if (answer.status >= 200 && answer.status < 300) {
        writes.accepted += 1
        if (isFlood) writes.flood += 1
        keepSample(writes.samples, writes.accepted, [atMs, performance.now() - startedMs])
        return answer
      }
      const refusal = refusalOf(answer)
      if (refusal) {
        writes[isFlood ? 'floodRefused' : refusal] += 1
        return undefined
      }
      const isOutcomeUnknown = answer.status === 0 || answer.status >= 500
      // A key makes a repeated post one post; a repeated like is one like and may be two events.
      if (isOutcomeUnknown && unsure === 'events') tally.now.unsure.events += 1
      if (!isOutcomeUnknown || performance.now() - startedMs > patienceMs) {
        if (isOutcomeUnknown && unsure === 'posts') tally.now.unsure.posts += 1
        writes.failed += 1
        writes.firstError ??= `${call.method} ${answer.status} ${answer.text.slice(0, 200)}`
        return undefined
      }
      writes.repeated += 1
      await delay(repeatEveryMs)
    }
  }

  return {
    async post(topic: number, body: string, parentId: string | null, options: Options = {}): Promise<string | undefined> {
      const path = `/v1/topics/${topicName(topic)}/comments`
      const token = options.token ?? (await users.tokenOf(users.any()))
      const content = { body, ...(parentId ? { parentId } : {}) }
      const answer = await write({ method: 'POST', path, token, key: randomUUID(), body: content, wantsText: true }, options, 'posts')
      if (!answer) return undefined
      const { id, rootId } = JSON.parse(answer.text) as { id: string; rootId: string | null }
      tally.now.acknowledged.push({ kind: 'post', topic, id, rootId })
      return id
    },
    async like(topic: number, id: string, user: string, isLiked: boolean, options: Options = {}): Promise<boolean> {
      const path = `/v1/topics/${topicName(topic)}/comments/${id}/like`
      const answer = await write({ method: isLiked ? 'PUT' : 'DELETE', path, token: await users.tokenOf(user) }, options, 'events')
      const entryId = answer && entryOf(answer)
      if (!entryId) return false
      tally.now.acknowledged.push({ kind: 'like', topic, id, user, isLiked, entryId })
      return true
    },
    async pin(topic: number, id: string, isPinned: boolean, token: string): Promise<boolean> {
      const path = `/v1/topics/${topicName(topic)}/comments/${id}/pin`
      const answer = await write({ method: isPinned ? 'PUT' : 'DELETE', path, token }, {}, 'events')
      const entryId = answer && entryOf(answer)
      if (entryId) tally.now.acknowledged.push({ kind: 'other', topic, entryId })
      return answer !== undefined
    },
  }
}
export type Writer = ReturnType<typeof createWriter>

/** Whether nothing was appended, as the server says. */
function refusalOf({ status, retryAfter, text }: Answer): 'limited' | 'shed' | undefined {
  if (status === 429) return 'limited'
  return status === 503 && retryAfter !== undefined && text.includes('"overloaded"') ? 'shed' : undefined
}

/** A write token begins with a letter for the lane and the entry id. */
const entryOf = ({ writeToken }: Answer): string | undefined => /^[gph](\d+-\d+)\./.exec(writeToken ?? '')?.[1]
