import type { Context } from 'hono'
import { DomainError } from '../errors.ts'

const name = 'Idempotency-Key'
const pattern = /^[\x21-\x7e]{1,128}$/

/** For `parameters` of a route. Not a schema among `request.headers`: that validator copies all headers first, 10 µs a request. */
export const idempotencyParameter = {
  name,
  in: 'header',
  description: 'A repeated request with the same key gets the first answer',
  schema: { type: 'string', pattern: pattern.source },
} as const

/** The request's key, if it has one. Throws `invalid-input`. */
export function idempotencyKeyOf(c: Context): string | undefined {
  const key = c.req.header(name)
  if (key === undefined || pattern.test(key)) return key
  const issues = [{ path: name, message: 'must be 1 to 128 visible ASCII characters' }]
  throw new DomainError('invalid-input', 'the request is not valid', { issues })
}
