import { positionOfEntry } from '../../src/events/position.ts'
import type { EventDocument } from '../../src/mongo/collections.ts'
import { type Rewritten, placeOf } from './archived.ts'
import type { Differ } from './differ.ts'
import type { Acknowledged, Write } from './load.ts'
import type { Place } from './place.ts'
import type { Comment, Recount } from './recount.ts'

type Compared = {
  place: Place
  acknowledged: Acknowledged
  archive: readonly EventDocument[]
  rewritten: readonly Rewritten[]
  lossUntilMs: number
}

/** Each acknowledged write is in the archive, each post once. Resolves with those that were lost, where they may be. */
export function compareWrites({ place, acknowledged, archive, rewritten, lossUntilMs }: Compared, differ: Differ): Write[] {
  const byPlace = new Map(archive.map((document) => [placeOf(document), document]))
  const firstOf = new Map(rewritten.map(({ at, first }) => [at, first]))
  const posted = archive.filter(({ type }) => type === 'comment.posted')
  differ.equal('positions in the archive', byPlace.size, archive.length)
  // A like, an edit or a removal that was sent again after its connection broke may stand there twice: it changes nothing.
  differ.equal('event ids of posts', new Set(posted.map(({ id }) => id)).size, posted.length)
  if (lossUntilMs === 0) differ.equal('posts in the archive', posted.length, acknowledged.posts.size)
  return acknowledged.writes.filter(({ topic, type, token, startedMs }) => {
    const partition = String(place.keys.of(topic).partition).padStart(3, '0')
    const at = `${partition}/${positionOfEntry(token.slice(1, token.indexOf('.')))}`
    const document = byPlace.get(firstOf.get(at) ?? at)
    if (!document && startedMs <= lossUntilMs) return true
    differ.equal(`acknowledged ${type} at ${at}`, document && `${document.topic} ${document.type}`, `${topic} ${type}`)
    return false
  })
}

/** What the archive comes to is what was acknowledged. */
export function compareAcknowledged({ posts, deleted, hidden, bodies, likes }: Acknowledged, truth: Recount, differ: Differ): void {
  const compare = (what: string, archived: (comment: Comment) => unknown, asked: (ref: string) => unknown) =>
    differ.same(
      what,
      new Map([...truth.comments].map(([ref, comment]) => [ref, archived(comment)])),
      new Map([...posts.keys()].map((ref) => [ref, asked(ref)])),
    )
  const isIn = (refs: ReadonlySet<string>) => (ref: string) => refs.has(ref)
  compare(
    'root of',
    ({ rootId }) => rootId,
    (ref) => posts.get(ref)!.rootId,
  )
  compare(
    'author of',
    ({ author }) => author,
    (ref) => posts.get(ref)!.author,
  )
  compare(
    'body of',
    ({ body }) => body,
    (ref) => bodies.get(ref),
  )
  compare('deleted', ({ isDeleted }) => isDeleted, isIn(deleted))
  compare('hidden', ({ isHidden }) => isHidden, isIn(hidden))
  differ.same('like', truth.likes, likes)
}
