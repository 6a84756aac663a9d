import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Collection } from 'mongodb'
import type { AppendToLog } from '../../events/append.ts'
import { type EventDocument, importIds } from '../../mongo/collections.ts'
import { Failure } from '../failures.ts'
import { appendRows, eventIdOf } from './append-rows.ts'
import { type DatedRow, type RefusedRow, youtubeRows } from './youtube-rows.ts'

export type ImportYoutube = {
  csvPath: string
  topic: string
  append: AppendToLog
  events: Collection<EventDocument>
  /** Resolves when the archive holds what the log holds; rejects when it does not get there. */
  waitForStore(): Promise<void>
  onProgress?(done: number, of: number): void
}

export type ImportReport = {
  topic: string
  read: number
  taken: number
  /** There before, or twice in the file. */
  repeated: number
  refused: RefusedRow[]
  datedLikeNeighbour: DatedRow[]
  tookMs: number
}

/** Takes a file of comments into a topic, oldest first. Safe to repeat at any time, and to run twice at once. */
export async function importYoutube({ csvPath, topic, append, events, waitForStore, onProgress }: ImportYoutube): Promise<ImportReport> {
  const startedMs = performance.now()
  const { read, rows, repeated, refused, datedLikeNeighbour } = await readRows(csvPath)
  await waitForStore()
  const topicOf = await archivedTopics(
    events,
    rows.map(({ id }) => id),
  )
  const elsewhere = rows.filter(({ id }) => topicOf.has(id) && topicOf.get(id) !== topic)
  const missing = rows.filter(({ id }) => !topicOf.has(id))
  const done = rows.length - missing.length
  onProgress?.(done, rows.length)
  const appended = await appendRows(missing, {
    append,
    topic,
    correlationId: randomUUID(),
    onAppended: (count) => onProgress?.(done + count, rows.length),
  })
  return {
    topic,
    read,
    taken: appended.taken,
    repeated: repeated + done - elsewhere.length + appended.repeated,
    refused: [...refused, ...elsewhere.map(({ row, id }) => ({ row, id, reason: `it is under ${topicOf.get(id)} already` }))],
    datedLikeNeighbour,
    tookMs: Math.round(performance.now() - startedMs),
  }
}

export async function readRows(csvPath: string) {
  const file = await readFile(csvPath).catch((error: NodeJS.ErrnoException) => {
    throw new Failure('usage', `${csvPath} cannot be read: ${error.code ?? error.message}`, { cause: error })
  })
  return youtubeRows(file)
}

/** Which of the comments the archive has, with their topic. */
export async function archivedTopics(events: Collection<EventDocument>, ids: readonly string[]): Promise<Map<string, string>> {
  const topicOf = new Map<string, string>()
  for (let start = 0; start < ids.length; start += 1_000) {
    const wanted = ids.slice(start, start + 1_000).map(eventIdOf)
    // The bounds let the partial index of import ids answer.
    const found = events.find({ id: { $in: wanted, ...importIds } }, { projection: { _id: 0, id: 1, topic: 1 } })
    for (const { id, topic } of await found.toArray()) topicOf.set(id.slice(eventIdOf('').length), topic)
  }
  return topicOf
}
