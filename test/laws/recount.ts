import { commentIdAt, positionOfComment } from '../../src/events/position.ts'
import type { Recorded } from '../../src/events/recorded.ts'

type Comment = { topic: string; position: string; root: string | undefined; isDeleted: boolean; isVisible: boolean; likers: Set<string> }

/** What the numbers of a history are, by the plainest means: one event after the other, then counted. */
export function recount(history: readonly Recorded[]) {
  const comments = new Map<string, Comment>()
  for (const { topic, position, actor, type, data } of history) {
    if (type === 'comment.posted') {
      const root = data.rootId === null ? undefined : positionOfComment(data.rootId)
      comments.set(commentIdAt(position), { topic, position, root, isDeleted: false, isVisible: true, likers: new Set() })
    } else if ('commentId' in data) {
      const comment = comments.get(data.commentId)!
      if (type === 'comment.deleted') comment.isDeleted = true
      if (type === 'comment.hidden' || type === 'comment.held') comment.isVisible = false
      if (type === 'comment.restored' || type === 'comment.approved') comment.isVisible = true
      if (type === 'comment.liked') comment.likers.add(actor)
      if (type === 'comment.unliked') comment.likers.delete(actor)
    }
  }
  const counts: Record<string, Record<string, number>> = {}
  const likes: Record<string, Record<string, number>> = {}
  const newest: Record<string, string[]> = {}
  for (const { topic, position, root, isDeleted, isVisible, likers } of comments.values()) {
    newest[topic] = [...(newest[topic] ?? []), position]
    if (likers.size > 0) likes[topic] = { ...likes[topic], [position]: likers.size }
    if (isDeleted || !isVisible) continue
    const of = (counts[topic] ??= {})
    for (const field of ['total', root === undefined ? 'roots' : `r:${root}`]) of[field] = (of[field] ?? 0) + 1
  }
  const ranked: Record<string, [root: string, score: number][]> = {}
  for (const { topic, position, root, isDeleted, isVisible, likers } of comments.values()) {
    if (root !== undefined || isDeleted || !isVisible) continue
    const votes = likers.size + 2 * (counts[topic]?.[`r:${position}`] ?? 0)
    ranked[topic] = [...(ranked[topic] ?? []), [position, hotScore(position, votes)]]
  }
  for (const of of Object.values(ranked)) of.sort(([a, m], [b, n]) => m - n || (a < b ? -1 : 1))
  return { counts, likes, newest, ranked }
}

/** ms of the creation, and 12.5 h for each power of ten in 1 + votes, in whole quarters of a doubling. */
function hotScore(position: string, votes: number): number {
  const quarters = Math.floor(4 * Math.log2(1 + votes) + 1e-9)
  return Number(position.slice(0, 13)) + quarters * Math.round((12.5 * 3_600_000 * Math.log10(2)) / 4)
}
