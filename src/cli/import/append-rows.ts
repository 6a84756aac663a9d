import { setTimeout as delay } from 'node:timers/promises'
import { DomainError } from '../../errors.ts'
import type { Append, AppendToLog, Outcome } from '../../events/append.ts'
import type { YoutubeRow } from './youtube-rows.ts'

/** Appends in flight at once: enough to share an fsync, few enough to let others through. */
const windowSize = 50
/** How long the log may be away, ms. */
const patienceMs = 60_000

export const eventIdOf = (id: string): string => `import:youtube:${id}`

function appendOf({ id, actor, writtenAt, name, body }: YoutubeRow, topic: string, correlationId: string): Append {
  const eventId = eventIdOf(id)
  return {
    type: 'comment.posted',
    topic,
    actor,
    correlationId,
    eventId,
    facts: { role: 'user', parentId: null, rootId: null, writtenAt },
    personal: { name, body },
    // The id is the request: cleaned otherwise by a later version, it is still the same comment.
    idempotency: { key: eventId, request: eventId },
  }
}

export type AppendRows = { append: AppendToLog; topic: string; correlationId: string; onAppended(count: number): void }

/**
 * Appends in the order of the rows; resolves with how many were new and how many the log had. One connection keeps its order, so a window travels
 * together; the first row goes alone, since a partition that must be reopened would shuffle its window.
 */
export async function appendRows(rows: readonly YoutubeRow[], { append, topic, correlationId, onAppended }: AppendRows) {
  const appends = rows.map((row) => appendOf(row, topic, correlationId))
  let taken = 0
  for (let start = 0, size = 1; start < appends.length; start += size, size = windowSize) {
    const outcomes = await appendWindow(append, appends.slice(start, start + size))
    taken += outcomes.filter((outcome) => isOurs(outcome, correlationId)).length
    onAppended(Math.min(appends.length, start + size))
  }
  return { taken, repeated: appends.length - taken }
}

/** An answer that was lost comes as `repeated`, with our own correlation id. */
const isOurs = (outcome: Outcome, correlationId: string): boolean =>
  outcome.kind === 'appended' || (outcome.kind === 'repeated' && outcome.event.correlationId === correlationId)

async function appendWindow(append: AppendToLog, window: readonly Append[]): Promise<Outcome[]> {
  const settled = await Promise.allSettled(window.map(append))
  const outcomes: Outcome[] = []
  for (const [i, result] of settled.entries()) {
    if (result.status === 'fulfilled') outcomes.push(result.value)
    else outcomes.push(await appendAgain(append, window[i]!, result.reason))
  }
  return outcomes
}

/** An outcome that is not known becomes known by repeating: the log keeps the first answer under the key. */
async function appendAgain(append: AppendToLog, event: Append, first: unknown): Promise<Outcome> {
  const deadline = Date.now() + patienceMs
  for (let error = first; ;) {
    const isPassing = error instanceof DomainError && (error.code === 'unavailable' || error.code === 'request-expired')
    if (!isPassing || Date.now() > deadline) throw error
    await delay(200)
    try {
      return await append(event)
    } catch (next) {
      error = next
    }
  }
}
