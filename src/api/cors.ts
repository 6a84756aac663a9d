import type { MiddlewareHandler } from 'hono'
import type { AppEnv } from './app.ts'
import { setHeader } from './response-header.ts'

const exposed = 'ETag, Retry-After, RateLimit, Ovation-Write, X-Correlation-Id'
const preflight = {
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type, Idempotency-Key, If-None-Match, Last-Event-ID, X-Correlation-Id',
  'Access-Control-Max-Age': '600',
}

/**
 * For pages of the allowed origins, which read and write with a Bearer token, never with cookies. Not hono/cors: it sets its headers on a
 * response that it makes for that and that Hono then copies, 38 µs a request on Node 20; this takes 3.
 */
export function createCors(origins: readonly string[]): MiddlewareHandler<AppEnv> {
  const isOpen = origins.includes('*')
  const allowed = new Set(origins)
  return async (c, next) => {
    const origin = c.req.header('origin')
    // Also on answers to calls from nowhere: a cache may give them to a page.
    if (isOpen) setHeader(c, 'Access-Control-Allow-Origin', '*')
    else setHeader(c, 'Vary', 'Origin')
    if (!isOpen && (origin === undefined || !allowed.has(origin))) return next()
    if (!isOpen && origin) setHeader(c, 'Access-Control-Allow-Origin', origin)
    if (c.req.method === 'OPTIONS' && c.req.header('access-control-request-method')) return c.body(null, 204, preflight)
    setHeader(c, 'Access-Control-Expose-Headers', exposed)
    return next()
  }
}
