import type { Differ } from './differ.ts'
import type { Place } from './place.ts'
import { type Recount, countsIn, likesIn } from './recount.ts'

/** Comments with their registers and numbers, and likes per user. Of a comment of which a counted write was lost, MongoDB may keep the number until the next. */
export async function compareMongo({ collections }: Place, truth: Recount, uncertain: ReadonlySet<string>, differ: Differ): Promise<void> {
  const [comments, likes] = await Promise.all([collections.comments.find().toArray(), collections.likes.find().toArray()])
  const [likeNumbers, counts] = [likesIn(truth), countsIn(truth)]
  const textOf = (comment: Record<'author' | 'body' | 'isDeleted' | 'isHidden' | 'likes' | 'replies', unknown>) => JSON.stringify(comment)
  const numbersOf = (ref: string, numbers: { likes: number; replies: number }) =>
    uncertain.has(ref) ? { likes: 'uncertain', replies: 'uncertain' } : numbers
  const stored = comments
    // A stub is what an event makes whose comment was lost.
    .filter(({ _id, author }) => author ?? truth.comments.has(_id))
    .map(({ _id, author, body, deleted, visibility, likes, replies }): [string, string] => {
      const registers = { author: author?.id, body: body?.text, isDeleted: deleted !== undefined, isHidden: visibility?.state === 'hidden' }
      return [_id, textOf({ ...registers, ...numbersOf(_id, { likes: likes?.n ?? 0, replies: replies?.n ?? 0 }) })]
    })
  const expected = [...truth.comments].map(([ref, { author, body, isDeleted, isHidden }]): [string, string] => {
    const numbers = numbersOf(ref, { likes: likeNumbers.get(ref) ?? 0, replies: counts.get(ref) ?? 0 })
    return [ref, textOf({ author, body, isDeleted, isHidden, ...numbers })]
  })
  differ.equal('comments in MongoDB', stored.length, truth.comments.size)
  differ.same('comment in MongoDB', new Map(stored), new Map(expected))
  const known = likes.filter(({ topic, commentId }) => truth.comments.has(`${topic}/${commentId}`))
  differ.same('like in MongoDB', new Map(known.map(({ _id, liked }) => [_id, liked.isLiked])), truth.likes)
}
