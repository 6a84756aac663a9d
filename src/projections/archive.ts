import type { AnyBulkWriteOperation, Collection } from 'mongodb'
import { positionOfEntry } from '../events/position.ts'
import { type EventDocument, archiveKey } from '../mongo/collections.ts'
import type { Delivery } from './projection.ts'
import { bounded } from '../mongo/bounded.ts'
import { writeTimeoutMs } from '../mongo/connect.ts'
import { insertNew, updateAll } from './write-many.ts'

/** Pure: the entry as the archive keeps it. Its own text and version, not what they were lifted to. */
export function documentOf(partition: number, { entry, event }: Delivery): EventDocument {
  const { id, lane, term, seq, type, topic, actor, at, correlationId: cid, key, position } = event
  const document: EventDocument = {
    _id: `${archiveKey(partition, position)}/${lane}/${term}`,
    id,
    lane,
    term,
    seq,
    type,
    v: Number(entry.fields['v']),
    topic,
    actor,
    at,
    cid,
    key,
    data: entry.fields['data']!,
  }
  if (entry.fields['origin']) document.seen = archiveKey(partition, positionOfEntry(entry.entryId))
  return document
}

/** Another event stands where this one should: the log was written past us. Parked for a person to look at. */
export class ArchiveConflictError extends Error {
  override readonly name = 'ArchiveConflictError'
}

/** Inserts the events that are not there yet. Rejects with ArchiveConflictError when one's place is taken by another event. */
export async function archive(events: Collection<EventDocument>, documents: readonly EventDocument[]): Promise<void> {
  const duplicates = await insertNew(events, documents)
  if (duplicates.length === 0) return
  const found = events.find({ _id: { $in: duplicates.map(({ _id }) => _id) } }, { projection: { id: 1 } })
  const stored = await bounded(writeTimeoutMs, found.toArray())
  const idAt = new Map(stored.map(({ _id, id }) => [_id, id]))
  const other = duplicates.find(({ _id, id }) => idAt.get(_id) !== id)
  if (other) throw new ArchiveConflictError(`another event is archived at ${other._id}`)
  const seenAgain = duplicates.flatMap(({ _id, seen }): AnyBulkWriteOperation<EventDocument>[] =>
    seen ? [{ updateOne: { filter: { _id }, update: { $max: { seen } } } }] : [],
  )
  await updateAll(events, seenAgain)
}
