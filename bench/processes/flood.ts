import autocannon from 'autocannon'
import { bodyOf } from '../events.ts'

// Posts at a steady rate, for `seconds` at most, in a process of its own; exits with 1 where a post is refused.
type Options = { url: string; token: string; topics: readonly string[]; perSecond: number; seconds: number }
const { url, token, topics, perSecond, seconds } = JSON.parse(process.argv[2]!) as Options
const flood = autocannon(
  {
    url,
    duration: seconds,
    connections: 32,
    overallRate: perSecond,
    requests: topics.map((topic, i) => ({
      method: 'POST' as const,
      path: `/v1/topics/${topic}/comments`,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      body: JSON.stringify({ body: bodyOf(i) }),
    })),
  },
  (error, result) => {
    if (error || result.non2xx > 0) console.error(error ?? `${result.non2xx} posts of the flood were refused`)
    process.exit(error || result.non2xx > 0 ? 1 : 0)
  },
)
console.log('flooding')
process.once('SIGTERM', () => flood.stop())
process.stdin.resume().once('end', () => flood.stop())
