import type { getRequestListener } from '@hono/node-server'
import { LRUCache } from 'lru-cache'
import { givenCorrelationId } from '../correlation-id.ts'
import type { Metrics } from '../metrics.ts'
import { type Answer, responseOf } from './answer.ts'
import type { ReadCounter } from './count-reads.ts'
import type { PageCache, Question } from './page-cache.ts'

type Fetch = Parameters<typeof getRequestListener>[0]
type Bindings = Parameters<Fetch>[1]
type Known = { question: Question; route: string }
type Dependencies = {
  cache: PageCache
  reads: ReadCounter
  observe: Metrics['observe']
  corsHeaders(origin: string | undefined): Readonly<Record<string, string>> | undefined
}

const maxUrls = 5_000
const maxUrlLength = 1_024

/**
 * A read that the app has answered once is answered by its raw URL from then on: the same question to the cache, without routing, validating or
 * making up a correlation id. What was allowed stays allowed, since ALLOWED_TOPICS does not change while a process runs.
 */
export function createFastPath({ cache, reads, observe, corsHeaders }: Dependencies) {
  const known = new LRUCache<string, Known>({ max: maxUrls })

  function send(answer: Answer, { incoming }: Bindings, { question, route }: Known, beginMs: number): Response {
    if (question.topic !== undefined) reads.count(question.topic)
    const { method = 'GET', headers } = incoming
    const cors = corsHeaders(headers.origin)
    const id = givenCorrelationId(headers)
    const more = id === undefined ? cors : { ...cors, 'X-Correlation-Id': id }
    const response = responseOf(answer, method, headers['if-none-match'], more)
    observe(route, method, response.status, performance.now() - beginMs)
    return response
  }

  return {
    /** Answers the same URL by itself from now on. */
    remember(url: string | undefined, question: Question, route: string): void {
      if (url !== undefined && url.length <= maxUrlLength) known.set(url, { question, route })
    },
    /** In front of the app. */
    inFrontOf:
      (fetch: Fetch): Fetch =>
      (request, env) => {
        const { method, url = '' } = env.incoming
        const one = method === 'GET' || method === 'HEAD' ? known.get(url) : undefined
        if (!one) return fetch(request, env)
        const beginMs = performance.now()
        const answer = cache.take(one.question)
        if (!(answer instanceof Promise)) return answer.isMissing ? fetch(request, env) : send(answer, env, one, beginMs)
        return answer.then(
          (made) => (made.isMissing ? (fetch(request, env) as Promise<Response>) : send(made, env, one, beginMs)),
          () => {
            known.delete(url) // the app tells what is wrong
            return fetch(request, env) as Promise<Response>
          },
        )
      },
  }
}
