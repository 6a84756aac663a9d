import { createRoute, z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import type { Built } from '../read/answer.ts'
import { limit, problems } from '../schemas.ts'
import { cachedJson, sendCached } from './send-cached.ts'

const Topics = z
  .object({
    items: z.array(z.object({ topic: z.string(), lastActivityAt: z.iso.datetime(), total: z.int().nullable(), roots: z.int().nullable() })),
  })
  .openapi('Topics')

const route = createRoute({
  method: 'get',
  path: '/v1/topics',
  summary: 'Topics with recent activity and their counts',
  tags: ['queries'],
  request: { query: z.object({ limit: limit.default(20) }) },
  responses: { ...cachedJson(Topics, 'The most recently active first'), ...problems(422, 503) },
})

const freshMs = 200

export function listTopics(app: App, dependencies: QueryDependencies): void {
  app.openapi(route, async (c) => {
    const { limit: size } = c.req.valid('query')
    return sendCached(c, dependencies, { key: `topics ${size}`, freshMs, build: () => build(dependencies, size) })
  })
}

async function build({ redis, keys, readCounts }: QueryDependencies, size: number): Promise<Built<undefined>> {
  const lists = await Promise.all(keys.partitions.map(({ topics }) => redis.zrevrange(topics, 0, size - 1, 'WITHSCORES'))).catch(
    (cause: unknown) => {
      throw new DomainError('unavailable', 'active topics cannot be read now', {}, { cause })
    },
  )
  const active = lists
    .flatMap((flat) => flat.flatMap((topic, i) => (i % 2 === 0 ? [{ topic, ms: Number(flat[i + 1]) }] : [])))
    .sort((a, b) => b.ms - a.ms)
    .slice(0, size)
  const { counts, degraded } = await readCounts(active.map(({ topic }) => topic))
  const items = active.map(({ topic, ms }) => {
    const known = counts.get(topic)
    return { topic, lastActivityAt: new Date(ms).toISOString(), total: known?.total ?? null, roots: known?.roots ?? null }
  })
  return { body: { items }, views: undefined, degraded, version: undefined, usesStore: false, isPoor: false, newest: '' }
}
