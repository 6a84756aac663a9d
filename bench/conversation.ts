import type { AppendToLog } from '../src/events/append.ts'
import { post } from './log.ts'

/** One root and three replies to it, in real words: four events, after which the root is listed with all the previews it can have. */
export const eventsOfAConversation = 4

export function createConversations(append: AppendToLog, topic: string, textOf: (n: number) => string) {
  let events = 0
  const say = (parentId: string | null) => post(append, topic, textOf((events += 1)), { user: `user-${events % 1_000}`, parentId })
  return async function converse(): Promise<void> {
    const root = await say(null)
    for (let i = 1; i < eventsOfAConversation; i++) await say(root)
  }
}
