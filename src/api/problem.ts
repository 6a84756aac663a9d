import { z } from '@hono/zod-openapi'
import type { Context, ErrorHandler, Hono, NotFoundHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import type { Logger } from 'pino'
import { DomainError, type ErrorCode } from '../errors.ts'
import type { AppEnv } from './app.ts'
import { createSparingLog } from './limits/sparing-log.ts'

const statusOfDomain = {
  'invalid-input': 422,
  'malformed-json': 400,
  'idempotency-key-reused': 422,
  'not-signed-in': 401,
  'not-allowed': 403,
  'not-the-author': 403,
  'topic-not-allowed': 403,
  'not-found': 404,
  'edit-window-over': 409,
  // Nothing was written, and the same request is good for another try.
  'request-expired': 503,
  'too-many-requests': 429,
  overloaded: 503,
  unavailable: 503,
} as const satisfies Record<ErrorCode, ContentfulStatusCode>

/** Every code a problem can have. */
export const statusOf = {
  ...statusOfDomain,
  'method-not-allowed': 405,
  'body-too-large': 413,
  'unsupported-media-type': 415,
  internal: 500,
} as const satisfies Record<string, ContentfulStatusCode>
export type ProblemCode = keyof typeof statusOf

/** What Hono and its middleware refuse by themselves, before a handler runs. */
const codeOfStatus: Record<number, ProblemCode> = {
  400: 'malformed-json',
  401: 'not-signed-in',
  403: 'not-allowed',
  404: 'not-found',
  405: 'method-not-allowed',
  413: 'body-too-large',
  415: 'unsupported-media-type',
  429: 'too-many-requests',
  503: 'unavailable',
}

export const Issue = z.object({ path: z.string(), message: z.string() })
export const Problem = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string(),
    detail: z.string().optional(),
    issues: z.array(Issue).optional(),
  })
  .openapi('Problem')

type About = { details?: Record<string, unknown>; retryAfterMs?: number | undefined }

/** Answers with a problem document (RFC 9457). A 429 or 503 says when to come back, in whole seconds. */
export function sendProblem(c: Context, code: ProblemCode, detail?: string, { details = {}, retryAfterMs = 1_000 }: About = {}): Response {
  const status = statusOf[code]
  if (status === 401) c.header('WWW-Authenticate', c.req.header('authorization') ? 'Bearer error="invalid_token"' : 'Bearer')
  if (status === 503 || status === 429) c.header('Retry-After', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))))
  const problem = { ...details, type: `/problems/${code}`, title: code.replaceAll('-', ' '), status, code, detail }
  return c.body(JSON.stringify(problem), status, { 'Content-Type': 'application/problem+json' })
}

/** Every answer that is not a success is a problem document; what we did not foresee tells nothing. Many that are alike are few lines in the log. */
export function createOnError(log: Logger): ErrorHandler<AppEnv> {
  const say = createSparingLog(log)
  return (error, c) => {
    const { correlationId } = c.var
    if (error instanceof DomainError) {
      const reason = error.cause instanceof Error ? error.cause.message : undefined
      if (error.code === 'unavailable')
        say(`unavailable: ${error.message}`, { level: 'warn', fields: { correlationId, reason }, message: 'answered unavailable' })
      return sendProblem(c, error.code, error.message, error)
    }
    if (error instanceof HTTPException && error.status < 500) {
      return sendProblem(c, codeOfStatus[error.status] ?? 'invalid-input', error.message)
    }
    if (error instanceof z.ZodError)
      return sendProblem(c, 'invalid-input', 'the request is not valid', { details: { issues: issuesOf(error) } })
    say(`internal: ${placeOf(error)}`, { level: 'error', fields: { correlationId, err: error }, message: 'request failed' })
    return sendProblem(c, 'internal')
  }
}

/** Where in the code it was thrown: there are few of those, and one defect does not hide another in the log. */
const placeOf = ({ stack }: Error): string | undefined => stack?.split('\n').find((line) => /^ +at /.test(line))

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/** 404, or 405 with `Allow` where the path is known under another method or to a process of the other role. `whole`: the API of both. */
export function createNotFound(app: Hono<AppEnv>, role: string, whole: () => Hono<AppEnv>): NotFoundHandler<AppEnv> {
  const isRouted = ({ router }: Hono<AppEnv>, method: string, path: string) =>
    router.match(method, path)[0].some(([[, route]]) => route.method !== 'ALL')
  return (c) => {
    const { method, path } = c.req
    const allowed = methods.filter((one) => isRouted(app, one, path) || isRouted(whole(), one, path))
    if (allowed.length === 0) return sendProblem(c, 'not-found', 'there is nothing here')
    c.header('Allow', allowed.includes('GET') ? ['HEAD', ...allowed].join(', ') : allowed.join(', '))
    const isElsewhere = allowed.includes(method === 'HEAD' ? 'GET' : method)
    return sendProblem(
      c,
      'method-not-allowed',
      isElsewhere ? `this process has the role ${role}: ask one that has the other for ${method}` : `${method} is not possible here`,
    )
  }
}

/** Of OpenAPIHono: turns a failed validation into a problem. */
export function defaultHook(result: { success: boolean; error?: z.ZodError }): void {
  if (!result.success) throw new DomainError('invalid-input', 'the request is not valid', { issues: issuesOf(result.error!) })
}

/** At most 20, each cut to 200 characters: a message may quote the input. */
const issuesOf = ({ issues }: z.ZodError): z.output<typeof Issue>[] =>
  issues.slice(0, 20).map(({ path, message }) => ({ path: path.join('.').slice(0, 200), message: message.slice(0, 200) }))
