import type { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import { routePath } from 'hono/route'
import { DomainError } from '../../errors.ts'
import type { AppEnv } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import { responseOf } from '../read/answer.ts'
import type { Question } from '../read/page-cache.ts'
import { setHeader } from '../response-header.ts'
import { json } from '../schemas.ts'

const text = (description: string) => ({ description, schema: { type: 'string' } }) as const
const headers = {
  ETag: text('Of exactly these bytes, for If-None-Match'),
  'Cache-Control': text('Fit for a CDN: a second, and longer while we do not answer'),
  'Ovation-Degraded': text('The same as `degraded`, with commas; left out where nothing is lacking'),
}
/** The answers of a call that is everybody's, for the OpenAPI document. */
export const cachedJson = <S extends z.ZodType>(schema: S, description: string) => ({
  200: { ...json(schema, description), headers },
  304: { description: 'The caller has these bytes: If-None-Match names their ETag' },
})

/** Answers from the cache, with 304 where the caller has the bytes. What is missing is a 404 that a CDN may hold for a second. */
export async function sendCached(
  c: Context<AppEnv>,
  { cache, reads, fastPath }: Pick<QueryDependencies, 'cache' | 'reads' | 'fastPath'>,
  question: Question,
): Promise<never> {
  if (question.topic !== undefined) reads.count(question.topic)
  const answer = await cache.take(question)
  if (answer.isMissing) {
    setHeader(c, 'Cache-Control', 'public, max-age=0, s-maxage=1')
    throw new DomainError('not-found', 'no such comment under this topic')
  }
  fastPath.remember(c.env?.incoming?.url, question, routePath(c, -1))
  // The contract test holds the bytes against the schema; the type system cannot.
  return responseOf(answer, 'GET', c.req.header('if-none-match')) as never
}

/** Of an answer with somebody's own write in it. */
export const keepPrivate = (c: Context<AppEnv>): void => setHeader(c, 'Cache-Control', 'private, no-store')

/** The header that says what an answer lacks. */
export function setDegraded(c: Context<AppEnv>, degraded: readonly string[]): void {
  if (degraded.length > 0) setHeader(c, 'Ovation-Degraded', degraded.join(', '))
}
