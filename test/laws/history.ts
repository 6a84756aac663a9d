import fc from 'fast-check'
import type { DataOf, EventType } from '../../src/events/comment-events.ts'
import { commentIdAt } from '../../src/events/position.ts'
import { type Entry, type Recorded, decodeEntry, originOf } from '../../src/events/recorded.ts'
import { snapshotOf } from '../../src/projections/comments.ts'

/** What became of an entry: reconciling writes an event again that is still there, or that is not any more, and may do so twice. */
const fates = { kept: 0, repeated: 1, 'repeated twice': 2, lost: 1, 'lost and repeated twice': 2 } as const
type Fate = keyof typeof fates

export const topics = ['song:a', 'song:b'] as const
const visibilities = ['comment.hidden', 'comment.restored', 'comment.held', 'comment.approved'] as const
const likes = ['comment.liked', 'comment.liked', 'comment.unliked'] as const
const posts = ['post', 'reply', 'reply', 'artist reply'] as const
const what = [...posts, ...likes, ...visibilities, 'comment.edited', 'comment.deleted', 'comment.pinned', 'comment.unpinned'] as const

const step = fc.record({
  what: fc.constantFrom(...what),
  topic: fc.constantFrom(...topics),
  actor: fc.constantFrom('ann', 'bob', 'cid'),
  /** Which of the topic's comments, counted back from the newest. */
  target: fc.nat({ max: 7 }),
  lane: fc.constantFrom('global', 'hot', 'priority'),
  isSameMs: fc.boolean(),
  /** Likes of before the hot order do not say whether they are on a root. */
  saysRoot: fc.boolean(),
  fate: fc.constantFrom<Fate[]>('kept', 'kept', 'kept', 'kept', ...(Object.keys(fates) as Fate[])),
})
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

export type Written = { event: Recorded; entry: Entry; fate: Fate }

const some = { minLength: 8, maxLength: 60, size: 'max' } as const

/** What happened under two topics, in the order of positions, with what became of each entry. */
export const histories: fc.Arbitrary<Written[]> = fc.array(step, some).map(happened)

/** The same, where numbers only grow. */
export const growing: fc.Arbitrary<Written[]> = fc
  .array(fc.record({ step, what: fc.constantFrom('post', 'reply', 'comment.liked') }), some)
  .map((steps) => happened(steps.map(({ step, what }) => ({ ...step, what, saysRoot: true }))))

function happened(steps: readonly Step[]): Written[] {
  const comments: Record<string, Recorded<'comment.posted'>[]> = { 'song:a': [], 'song:b': [] }
  const seqs = new Map<string, number>()
  let [ms, n] = [1_700_000_000_000, 0]
  return steps.map(({ isSameMs, ...step }, i) => {
    ;[ms, n] = isSameMs ? [ms, n + 1] : [ms + 1, 0]
    const lane = step.lane === 'hot' ? `hot:${step.topic}` : step.lane
    const seq = (seqs.get(lane) ?? 0) + 1
    seqs.set(lane, seq)
    const of = comments[step.topic]!
    const { type, data } = factOf(step, of.at(-1 - (step.target % of.length)), of, i)
    const { actor, fate } = step
    const shared = { v: '1', topic: step.topic, term: '1', actor, at: `${ms}`, cid: 'c', key: '' }
    const fields = { ...shared, id: `event-${i}`, type, seq: `${seq}`, data: JSON.stringify(data) }
    const entry = { lane, entryId: `${ms}-${n}`, fields }
    const event = decodeEntry(entry)
    if (event.type === 'comment.posted') of.push(event)
    return { event, entry, fate, [fc.toStringMethod]: () => `${entry.entryId} ${lane} ${fate}: ${actor} ${type} ${fields.data}` }
  })
}

type Fact = { [T in EventType]: { type: T; data: DataOf<T> } }[EventType]

function factOf(
  { what, actor, saysRoot }: Pick<Step, 'what' | 'actor' | 'saysRoot'>,
  on: Recorded<'comment.posted'> | undefined,
  all: readonly Recorded[],
  i: number,
): Fact {
  const written = { role: 'user' as const, writtenAt: null }
  if (!on || what === 'post') {
    return { type: 'comment.posted', data: { ...written, parentId: null, rootId: null, personal: { name: actor, body: `post ${i}` } } }
  }
  const commentId = commentIdAt(on.position)
  const { rootId } = on.data
  switch (what) {
    case 'reply':
    case 'artist reply': {
      const root = all.find(({ position }) => commentIdAt(position) === rootId) as typeof on | undefined
      const targets = what === 'reply' ? {} : { targets: [on, ...(root ? [root] : [])].map(snapshotOf) }
      const personal = { name: actor, picture: 'https://pictures.example/1', body: `reply ${i}`, ...targets }
      return { type: 'comment.posted', data: { ...written, parentId: commentId, rootId: rootId ?? commentId, personal } }
    }
    case 'comment.liked':
    case 'comment.unliked':
      return { type: what, data: saysRoot ? { commentId, rootId } : { commentId } }
    case 'comment.edited':
      return { type: what, data: { commentId, rootId, personal: { body: `edit ${i}` } } }
    case 'comment.deleted':
      return { type: what, data: { commentId, rootId, by: i % 2 ? 'author' : 'moderator' } }
    case 'comment.pinned':
      return { type: what, data: { commentId, rootId, personal: { targets: [snapshotOf(on)] } } }
    case 'comment.unpinned':
    case 'comment.approved':
      return { type: what, data: { commentId, rootId } }
    default:
      return { type: what, data: { commentId, rootId, personal: null } }
  }
}

/** The streams as they were written. */
export const asWritten = (history: readonly Written[]): Entry[] => history.map(({ entry }) => entry)

/** The streams after servers were lost and partitions reconciled: some entries gone, some events written again with their origin. */
export function afterReconciling(history: readonly Written[]): Entry[] {
  const left = history.flatMap(({ entry, fate }) => (fate.startsWith('lost') ? [] : [entry]))
  const again = history.flatMap(({ event, entry, fate }) => Array.from({ length: fates[fate] }, () => ({ event, entry })))
  const afterMs = 1_700_000_100_000
  return [
    ...left,
    ...again.map(({ event, entry: { fields } }, i) => ({
      lane: 'priority',
      entryId: `${afterMs}-${i}`,
      fields: { ...fields, term: '2', seq: `${1_000 + i}`, origin: originOf(event) },
    })),
  ]
}
