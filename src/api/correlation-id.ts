import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './app.ts'
import { setHeader } from './response-header.ts'

const acceptable = /^[\w.-]{1,64}$/

/** The caller's id, where there is one that can be taken. */
export function givenCorrelationId(headers: IncomingHttpHeaders): string | undefined {
  const given = headers['x-correlation-id'] ?? headers['x-request-id']
  return typeof given === 'string' && acceptable.test(given) ? given : undefined
}

/** Takes the caller's id or makes one up; log, events and the answer carry it. */
export const correlationId: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header('x-correlation-id') ?? c.req.header('x-request-id')
  const id = given !== undefined && acceptable.test(given) ? given : randomUUID()
  c.set('correlationId', id)
  setHeader(c, 'X-Correlation-Id', id)
  await next()
}
