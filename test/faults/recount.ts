import { commentIdAt } from '../../src/events/position.ts'
import type { EventDocument } from '../../src/mongo/collections.ts'
import { positionOf } from './archived.ts'

type Shown = { topic: string; rootId: string | null; isDeleted: boolean; isHidden: boolean }
export type Comment = Shown & { id: string; position: string; author: string; body: string }

/** What a history comes to, by the plainest means: comments by `<topic>/<id>`, likes by `<topic>/<id>/<user>`. */
export type Recount = {
  comments: Map<string, Comment>
  likes: Map<string, boolean>
  /** Removed or hidden, and their creation lost with a server: counted all the same, one less each. */
  unborn: Map<string, Shown>
}

type Data = { rootId?: string | null; commentId?: string; personal?: { body?: string } | null }

export function recount(archive: readonly EventDocument[]): Recount {
  const comments = new Map<string, Comment>()
  const likes = new Map<string, boolean>()
  const unborn: Recount['unborn'] = new Map()
  for (const document of archive) {
    const { type, topic, actor } = document
    const position = positionOf(document)
    const { rootId = null, commentId: id = commentIdAt(position), personal } = JSON.parse(document.data) as Data
    const ref = `${topic}/${id}`
    const body = personal?.body ?? ''
    if (type === 'comment.posted')
      comments.set(ref, { topic, id, position, rootId, author: actor, body, isDeleted: false, isHidden: false })
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

export const shows = ({ isDeleted, isHidden }: Shown): boolean => !isDeleted && !isHidden

/** Likes by `<topic>/<id>`. */
export function likesIn({ likes }: Recount): Map<string, number> {
  const numbers = new Map<string, number>()
  for (const [like, isLiked] of likes) {
    const ref = like.slice(0, like.lastIndexOf('/'))
    numbers.set(ref, (numbers.get(ref) ?? 0) + Number(isLiked))
  }
  return numbers
}

/** `<topic>` to the total, `<topic>/` to the roots, `<topic>/<root>` to its replies. */
export function countsIn({ comments, unborn }: Recount): Map<string, number> {
  const numbers = new Map<string, number>()
  const add = ({ topic, rootId }: Shown, by: number) => {
    for (const counter of [topic, `${topic}/${rootId ?? ''}`]) numbers.set(counter, (numbers.get(counter) ?? 0) + by)
  }
  for (const comment of comments.values()) add(comment, Number(shows(comment)))
  for (const comment of unborn.values()) add(comment, -Number(!shows(comment)))
  return numbers
}

export const topicsIn = ({ comments }: Recount): string[] => [...new Set([...comments.values()].map(({ topic }) => topic))]

export const commentsOf = ({ comments }: Recount, topic: string): [ref: string, Comment][] =>
  [...comments].filter(([, comment]) => comment.topic === topic).sort(([, a], [, b]) => (a.position < b.position ? -1 : 1))
