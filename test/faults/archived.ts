import { positionOfEntry } from '../../src/events/position.ts'
import type { EventDocument } from '../../src/mongo/collections.ts'
import { fieldsOf } from '../../src/events/append.ts'
import type { Place } from './place.ts'

/** Every event of the archive, in the order of the log. */
export const readArchive = ({ collections }: Place): Promise<EventDocument[]> => collections.events.find().sort({ _id: 1 }).toArray()

export const positionOf = ({ _id }: EventDocument): string => _id.split('/')[1]!
const partitionOf = ({ _id }: EventDocument): string => _id.split('/')[0]!
/** `<partition>/<position>`. */
export const placeOf = ({ _id }: EventDocument): string => _id.split('/').slice(0, 2).join('/')

/** An entry that reconciling wrote again: its `<partition>/<position>`, term and seq, and where it was first. */
export type Rewritten = { at: string; first: string; term: number; seq: number }

export async function readRewritten({ redis, keys }: Place): Promise<Rewritten[]> {
  const rewritten: Rewritten[] = []
  for (const { partition, lane } of keys.partitions) {
    const name = String(partition).padStart(3, '0')
    for (const [entryId, flat] of await redis.xrange(lane('priority'), '-', '+')) {
      const { origin, term, seq } = fieldsOf(flat)
      if (!origin) continue
      rewritten.push({
        at: `${name}/${positionOfEntry(entryId)}`,
        first: `${name}/${origin.split('/').at(-1)}`,
        term: Number(term),
        seq: Number(seq),
      })
    }
  }
  return rewritten
}

/** Where a lane's counter of a term is not contiguous. Numbers that went to entries written again are not in the archive under that lane. */
export function gapsIn(archive: readonly EventDocument[], rewritten: readonly Rewritten[]): string[] {
  const counters = new Map<string, number[]>()
  const count = (counter: string, seq: number) => counters.set(counter, [...(counters.get(counter) ?? []), seq])
  for (const document of archive) count(`${partitionOf(document)} ${document.lane} term ${document.term}`, document.seq)
  for (const { at, term, seq } of rewritten) count(`${at.split('/')[0]} priority term ${term}`, seq)
  return [...counters].flatMap(([counter, seqs]) => {
    seqs.sort((a, b) => a - b)
    return seqs.flatMap((seq, i) => (i > 0 && seq !== seqs[i - 1]! + 1 ? [`${counter}: ${seqs[i - 1]} is followed by ${seq}`] : []))
  })
}
