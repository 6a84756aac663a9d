import type { Ledger } from './ledger.ts'
import { number } from './rows.ts'
import type { Topics } from './topics.ts'
import type { Comparison } from './verify.ts'

type Verify = { url: string; ledger: Ledger; topics: Topics }
type Counts = { counts: Record<string, { total: number; roots: number } | null> }

/** What the API says about every topic's numbers, against what was acknowledged. */
export async function verifyCounts({ url, ledger, topics }: Verify): Promise<Comparison> {
  const comparison: Comparison = { expected: 0, found: 0, missing: 0, unexpected: 0, examples: [] }
  for (let start = 0; start < topics.names.length; start += 100) {
    const names = topics.names.slice(start, start + 100)
    const { counts } = (await (await fetch(`${url}/v1/counts?topics=${names.join(',')}`)).json()) as Counts
    for (const [i, name] of names.entries()) {
      const total = ledger.posts.get(start + i)?.size ?? 0
      const replies = [...(ledger.replies.get(start + i)?.values() ?? [])].reduce((a, b) => a + b, 0)
      const answered = counts[name]
      comparison.expected += total
      comparison.found += answered?.total ?? 0
      if (answered?.total === total && answered.roots === total - replies) continue
      comparison[(answered?.total ?? 0) < total ? 'missing' : 'unexpected'] += 1
      if (comparison.examples.length < 5)
        comparison.examples.push(
          `${name}: ${answered ? `${answered.total} (${answered.roots} roots)` : 'unknown'} instead of ${total} (${total - replies})`,
        )
    }
  }
  return comparison
}

/** Comments that are asked for one by one where the stores cannot be looked into. */
const mostComments = 500

/** The likes of the comments that were liked last, those of the landed topic before all, as the API shows them. */
export async function verifyLikes({ url, ledger, topics }: Verify): Promise<Comparison & { lookedAt: string }> {
  const comparison: Comparison = { expected: 0, found: 0, missing: 0, unexpected: 0, examples: [] }
  const others = [...topics.names.keys()].filter((topic) => topic !== topics.landed)
  const liked = [...others, topics.landed].flatMap((topic) =>
    [...ledger.likesOf(topic)].map(([id, likes]) => ({ path: `/v1/topics/${topics.names[topic]}/comments/${id}`, likes })),
  )
  const looked = liked.slice(-mostComments)
  for (const { path, likes } of looked) {
    const answer = (await (await fetch(url + path)).json()) as { comment?: { likes: number | null }; likes?: number | null }
    const shown = (answer.comment ?? answer).likes ?? -1
    comparison.expected += likes
    comparison.found += Math.max(0, shown)
    if (shown === likes) continue
    comparison[shown < likes ? 'missing' : 'unexpected'] += 1
    if (comparison.examples.length < 5) comparison.examples.push(`${path}: ${shown} likes instead of ${likes}`)
  }
  return { ...comparison, lookedAt: `${number(looked.length)} of ${number(liked.length)} liked comments were looked at` }
}
