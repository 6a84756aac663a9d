import { createRoute, z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'
import { type TopicPolicy, isTopicId } from '../../topics.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { ordinaryMs } from '../read/freshness.ts'
import { problems } from '../schemas.ts'
import { cachedJson, sendCached } from './send-cached.ts'

const CountsOfTopics = z
  .object({ counts: z.record(z.string(), z.object({ total: z.int(), roots: z.int() }).nullable()) })
  .openapi('Counts', { description: 'null only where a count is unknown now' })

const route = createRoute({
  method: 'get',
  path: '/v1/counts',
  summary: 'How many comments topics have, for list pages',
  tags: ['queries'],
  request: { query: z.object({ topics: z.string().max(13_000).openapi({ description: '1 to 100 topics, separated by commas' }) }) },
  responses: { ...cachedJson(CountsOfTopics, 'Totals, replies included, and roots'), ...problems(403, 422) },
})

export function getCounts(app: App, dependencies: QueryDependencies, policy: TopicPolicy): void {
  app.openapi(route, async (c) => {
    const topics = [...new Set(c.req.valid('query').topics.split(','))]
    if (topics.length > 100 || !topics.every(isTopicId)) {
      throw new DomainError('invalid-input', 'the request is not valid', {
        issues: [{ path: 'topics', message: 'must be 1 to 100 topics, separated by commas' }],
      })
    }
    for (const topic of topics) policy.requireAllowed(topic)
    return sendCached(c, dependencies, {
      key: `counts ${topics.join()}`,
      freshMs: ordinaryMs,
      async build() {
        const { counts, degraded } = await dependencies.readCounts(topics)
        const about = { views: undefined, degraded, version: undefined, usesStore: false, isPoor: false, newest: '' }
        return { ...about, body: { counts: Object.fromEntries(counts) } }
      },
    })
  })
}
