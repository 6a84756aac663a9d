import { randomUUID } from 'node:crypto'
import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './app.ts'

const acceptable = /^[\w.-]{1,64}$/

/** Takes the caller's id or makes one up; log, events and the answer carry it. */
export const correlationId: MiddlewareHandler<AppEnv> = async (c, next) => {
  const given = c.req.header('x-correlation-id') ?? c.req.header('x-request-id')
  const id = given !== undefined && acceptable.test(given) ? given : randomUUID()
  c.set('correlationId', id)
  // On Node's own response where there is one: a Headers object costs a quarter of a small request.
  if (c.env?.outgoing) c.env.outgoing.setHeader('X-Correlation-Id', id)
  else c.header('X-Correlation-Id', id)
  await next()
}
