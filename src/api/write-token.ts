import { createHmac, timingSafeEqual } from 'node:crypto'

/** Where a write is in the log. */
export type Write = { lane: string; entryId: string }
export type WriteTokens = {
  /** `<g|p|h><entry id>.<mac>`, of URL-safe characters. */
  sign(write: Write & { topic: string }): string
  /** The write, if the token was signed for this topic. */
  verify(topic: string, token: string): Write | undefined
}

const letterOf = (lane: string): string => (lane === 'global' ? 'g' : lane === 'priority' ? 'p' : 'h')
const laneOf: Record<string, (topic: string) => string> = { g: () => 'global', p: () => 'priority', h: (topic) => `hot:${topic}` }
const tokenPattern = /^([gph])(\d{1,16}-\d{1,20})\.([\w-]{22})$/

/** A reader who shows the token sees that write at once; signed, so that nobody makes the API look up entries of their choice. */
export function createWriteTokens(secret: string): WriteTokens {
  const macOf = (topic: string, write: string) =>
    createHmac('sha256', secret).update(`${topic}\n${write}`).digest().subarray(0, 16).toString('base64url')
  return {
    sign({ topic, lane, entryId }) {
      const write = letterOf(lane) + entryId
      return `${write}.${macOf(topic, write)}`
    },
    verify(topic, token) {
      const [, letter, entryId, mac] = tokenPattern.exec(token) ?? []
      if (!letter || !entryId || !mac) return undefined
      if (!timingSafeEqual(Buffer.from(macOf(topic, letter + entryId)), Buffer.from(mac))) return undefined
      return { lane: laneOf[letter]!(topic), entryId }
    },
  }
}
