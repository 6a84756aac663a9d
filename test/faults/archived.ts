import { commentIdAt, positionOfEntry } from '../../src/events/position.ts'
import type { EventDocument } from '../../src/mongo/collections.ts'
import { fieldsOf } from '../../src/events/append.ts'
import type { Place } from './place.ts'

export type Comment = {
  id: string
  topic: string
  position: string
  rootId: string | null
  author: string
  body: string
  isDeleted: boolean
  isHidden: boolean
}
/** What a history comes to, by the plainest means: comments by `<topic>/<id>`, likes by `<topic>/<id>/<user>`. */
export type Recount = {
  comments: Map<string, Comment>
  likes: Map<string, boolean>
  /** Removed or hidden, and their creation lost with a server: counted all the same, one less each. */
  unborn: Map<string, { topic: string; rootId: string | null; isDeleted: boolean; isHidden: boolean }>
}

type Data = { rootId?: string | null; commentId?: string; personal?: { body?: string } | null }

/** Every event of the archive, in the order of the log. */
export const readArchive = ({ collections }: Place): Promise<EventDocument[]> => collections.events.find().sort({ _id: 1 }).toArray()

export const positionOf = ({ _id }: EventDocument): string => _id.split('/')[1]!
const partitionOf = ({ _id }: EventDocument): string => _id.split('/')[0]!

export function recount(archive: readonly EventDocument[]): Recount {
  const comments = new Map<string, Comment>()
  const likes = new Map<string, boolean>()
  const unborn: Recount['unborn'] = new Map()
  for (const document of archive) {
    const { type, topic, actor } = document
    const { rootId = null, commentId = commentIdAt(positionOf(document)), personal } = JSON.parse(document.data) as Data
    const ref = `${topic}/${commentId}`
    const body = personal?.body ?? ''
    if (type === 'comment.posted')
      comments.set(ref, {
        id: commentId,
        topic,
        position: positionOf(document),
        rootId,
        author: actor,
        body,
        isDeleted: false,
        isHidden: false,
      })
    const comment = comments.get(ref)
    if (comment && type === 'comment.edited') comment.body = body
    if (comment && type.endsWith('liked')) likes.set(`${ref}/${actor}`, type === 'comment.liked')
    const shown = comment ?? unborn.get(ref) ?? { topic, rootId, isDeleted: false, isHidden: false }
    if (type === 'comment.deleted') shown.isDeleted = true
    if (type === 'comment.hidden' || type === 'comment.restored') shown.isHidden = type === 'comment.hidden'
    if (!comment) unborn.set(ref, shown)
  }
  return { comments, likes, unborn }
}

/** Entries that reconciling wrote again: `<partition>/<position>` and term and seq of each, and where it was first. */
export async function readRewritten({ redis, keys }: Place) {
  const rewritten: { at: string; first: string; term: number; seq: number }[] = []
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
export function gapsIn(archive: readonly EventDocument[], rewritten: Awaited<ReturnType<typeof readRewritten>>): string[] {
  const counters = new Map<string, number[]>()
  const count = (counter: string, seq: number) => counters.set(counter, [...(counters.get(counter) ?? []), seq])
  for (const document of archive) count(`${partitionOf(document)} ${document.lane} term ${document.term}`, document.seq)
  for (const { at, term, seq } of rewritten) count(`${at.split('/')[0]} priority term ${term}`, seq)
  return [...counters].flatMap(([counter, seqs]) => {
    seqs.sort((a, b) => a - b)
    return seqs.flatMap((seq, i) => (i > 0 && seq !== seqs[i - 1]! + 1 ? [`${counter}: ${seqs[i - 1]} is followed by ${seq}`] : []))
  })
}
