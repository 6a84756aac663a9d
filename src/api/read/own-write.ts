import type { Redis } from 'ioredis'
import { fieldsOf } from '../../events/append.ts'
import { type Recorded, decodeEntry } from '../../events/recorded.ts'
import { DomainError } from '../../errors.ts'
import type { Keys } from '../../redis/keys.ts'
import type { WriteTokens } from '../write-token.ts'

/** What a write token shows: its event, nothing any more (trimmed, so every model has it, or lost with its server and written again elsewhere), or that the log cannot be asked. */
export type OwnWrite = { event?: Recorded; isUnknown: boolean }
export type ReadOwnWrite = (topic: string, token: string | undefined) => Promise<OwnWrite>

/** Reads the one log entry a write token stands for. Throws `invalid-input` for a token that was not signed for this topic. */
export const createOwnWriteReader =
  (redis: Redis, keys: Keys, tokens: WriteTokens): ReadOwnWrite =>
  async (topic, token) => {
    if (!token) return { isUnknown: false }
    const write = tokens.verify(topic, token)
    if (!write)
      throw new DomainError('invalid-input', 'the request is not valid', {
        issues: [{ path: 'after', message: 'not a write token of this topic' }],
      })
    try {
      const [found] = await redis.xrange(keys.of(topic).lane(write.lane), write.entryId, write.entryId)
      if (!found) return { isUnknown: false }
      const event = decodeEntry({ lane: write.lane, entryId: write.entryId, fields: fieldsOf(found[1]) })
      return event.topic === topic ? { event, isUnknown: false } : { isUnknown: false }
    } catch {
      return { isUnknown: true }
    }
  }
