import type { AnyBulkWriteOperation, Collection } from 'mongodb'
import type { EventType, Snapshot } from '../events/comment-events.ts'
import { commentIdAt, lowest } from '../events/position.ts'
import type { Recorded } from '../events/recorded.ts'
import type { CommentDocument } from '../mongo/collections.ts'
import { insertNew, updateAll } from './write-many.ts'

type Registers = Pick<CommentDocument, 'body' | 'deleted' | 'visibility' | 'pinned'>
type Write = { create: CommentDocument } | { merge: Registers; into: Pick<CommentDocument, '_id' | 'topic' | 'commentId'> } | undefined

const at = (topic: string, commentId: string) => ({ _id: `${topic}/${commentId}`, topic, commentId }) // topic is the shard key

/** Pure: a comment as its creation makes it. Its registers stand below every position, so a repeated creation undoes nothing. */
export function createdComment(topic: string, { position, actor, at: atMs, data }: Snapshot): CommentDocument {
  const { role, parentId, rootId, writtenAt, personal } = data
  const commentId = commentIdAt(position)
  const author: CommentDocument['author'] = { id: actor, role, name: personal?.name ?? null }
  if (personal?.picture) author.picture = personal.picture
  return {
    _id: `${topic}/${commentId}`, // written out: object spreads were 6 % of the profile of bench/project.ts
    topic,
    commentId,
    position,
    rootId,
    parentId,
    author,
    createdAt: new Date(writtenAt ?? atMs),
    body: { v: lowest, text: personal?.body ?? null, at: null },
  }
}

/** Pure: what a creation looks like, as the event recorded it. */
export const snapshotOf = ({ position, actor, at: time, data }: Recorded<'comment.posted'>): Snapshot => ({
  position,
  actor,
  at: time.getTime(),
  data: {
    role: data.role,
    parentId: data.parentId,
    rootId: data.rootId,
    writtenAt: data.writtenAt,
    personal: data.personal && withoutTargets(data.personal),
  },
})
const withoutTargets = ({ name, picture, body }: { name: string; picture?: string | undefined; body: string }) => ({
  name,
  ...(picture ? { picture } : {}),
  body,
})

const visibility =
  (state: 'visible' | 'hidden' | 'held') =>
  ({ topic, position: v, data: { commentId } }: { topic: string; position: string; data: { commentId: string } }): Write => ({
    merge: { visibility: { v, state } },
    into: at(topic, commentId),
  })
const nothing = (): Write => undefined

/** What each event does to the collection. No Partial: a new event type does not compile until this model has taken a stand. */
const writeOf: { [T in EventType]: (event: Recorded<T>) => Write } = {
  'comment.posted': (event) => ({ create: createdComment(event.topic, snapshotOf(event)) }),
  'comment.edited': ({ topic, position: v, at: time, data: { commentId, personal } }) => ({
    merge: { body: { v, text: personal?.body ?? null, at: time } },
    into: at(topic, commentId),
  }),
  'comment.deleted': ({ topic, position: v, data: { commentId, by } }) => ({ merge: { deleted: { v, by } }, into: at(topic, commentId) }),
  'comment.hidden': visibility('hidden'),
  'comment.restored': visibility('visible'),
  'comment.held': visibility('held'),
  'comment.approved': visibility('visible'),
  'comment.pinned': ({ topic, position: v, data: { commentId } }) => ({
    merge: { pinned: { v, isPinned: true } },
    into: at(topic, commentId),
  }),
  'comment.unpinned': ({ topic, position: v, data: { commentId } }) => ({
    merge: { pinned: { v, isPinned: false } },
    into: at(topic, commentId),
  }),
  'comment.liked': nothing,
  'comment.unliked': nothing,
  'comment.reported': nothing,
  'user.banned': nothing,
  'user.unbanned': nothing,
  'dead-letter.discarded': nothing,
  'read-model.repaired': nothing,
}

/** Pure: the documents a batch creates and the registers it merges into others. */
export const commentWrite = (event: Recorded): Write => (writeOf[event.type] as (event: Recorded) => Write)(event)

/** Applies a batch. Running it twice, in another order, or dying half way leaves the same documents. */
export async function applyToComments(comments: Collection<CommentDocument>, events: readonly Recorded[]): Promise<void> {
  const created: CommentDocument[] = []
  const merges: AnyBulkWriteOperation<CommentDocument>[] = []
  for (const event of events) {
    const write = commentWrite(event)
    if (!write) continue
    if ('create' in write) created.push(write.create)
    else merges.push(mergeInto(write))
  }
  // An insert costs mongod a fifth of an upsert (20 against 95 µs, bench/project.ts), so only collisions take the long way.
  const collided = await insertNew(comments, created)
  await updateAll(comments, [...collided.map(completeStub), ...merges])
}

function completeStub({ _id, topic, body, ...facts }: CommentDocument): AnyBulkWriteOperation<CommentDocument> {
  return { updateOne: { filter: { _id, topic }, update: { $set: facts, $max: { body } } } }
}

function mergeInto({
  merge,
  into: { _id, topic, commentId },
}: {
  merge: Registers
  into: Pick<CommentDocument, '_id' | 'topic' | 'commentId'>
}): AnyBulkWriteOperation<CommentDocument> {
  return { updateOne: { filter: { _id, topic }, update: { $max: merge, $setOnInsert: { commentId } }, upsert: true } }
}
