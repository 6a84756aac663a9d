import type { Differ } from './differ.ts'
import type { Place } from './place.ts'
import { type Recount, commentsOf, countsIn, shows } from './recount.ts'

const size = 100

/** What people get: a topic's total, and its first page. */
export async function compareAnswers({ client }: Place, topic: string, truth: Recount, isLossless: boolean, differ: Differ): Promise<void> {
  const counts = countsIn(truth)
  const answered = await client.once({ method: 'GET', path: `/v1/counts?topics=${topic}` })
  const { total } = (answered.body as { counts: Record<string, { total: number } | null> }).counts[topic] ?? {}
  differ.equal(`answered total of ${topic}`, total, counts.get(topic))

  const page = await client.once({ method: 'GET', path: `/v1/topics/${topic}/comments?limit=${size}` })
  const { items, degraded } = page.body as { items: { id: string }[]; degraded: string[] }
  const known = items.map(({ id }) => id).filter((id) => isLossless || truth.comments.has(`${topic}/${id}`))
  const listed = commentsOf(truth, topic)
    .filter(([ref, comment]) => comment.rootId === null && (shows(comment) || (counts.get(ref) ?? 0) > 0))
    .map(([, { id }]) => id)
    .toReversed()
    .slice(0, size - (items.length - known.length))
  differ.equal(`first page of ${topic}`, known.join(), listed.join())
  differ.equal(`degraded parts of ${topic}`, degraded.join(), '')
}
