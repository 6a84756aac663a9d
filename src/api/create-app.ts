import { OpenAPIHono } from '@hono/zod-openapi'
import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import type { TopicPolicy } from '../topics.ts'
import type { App, AppEnv } from './app.ts'
import { correlationId } from './correlation-id.ts'
import { createCors } from './cors.ts'
import { describeCalls } from './described.ts'
import { addDocs } from './docs-page.ts'
import { type Check, addHealth } from './health.ts'
import type { Metrics } from './metrics.ts'
import { createNotFound, createOnError, defaultHook } from './problem.ts'

/** Which half of the service this process is. */
export type ApiRole = 'read' | 'write' | 'all'
type Parts = {
  config: Pick<Config, 'allowedOrigins'>
  log: Logger
  /** Adds the routes that write; left out where the role is `read`. */
  commands?: (app: App) => void
  /** Adds the routes that read; left out where the role is `write`. */
  queries?: (app: App) => void
  /** Adds the pages for people, at `/`. */
  pages?: (app: App) => void
  /** Guards everything below /v1/topics/{topic}. */
  allowTopics?: TopicPolicy
  checks: readonly Check[]
  role: ApiRole
  metrics?: Metrics
}

export function createApp({ config, log, commands, queries, pages, allowTopics, checks, role, metrics }: Parts): App {
  const app: App = new OpenAPIHono<AppEnv>({ defaultHook })
  app.onError(createOnError(log))
  // Behind a proxy the two roles are one API.
  let described: App | undefined
  const whole = () => (described ??= role === 'all' ? app : describeCalls())
  app.notFound(createNotFound(app, role, whole))
  if (metrics) app.use(metrics.measureRequests)
  app.use(correlationId)
  if (config.allowedOrigins.length > 0) app.use(createCors(config.allowedOrigins))
  if (allowTopics) {
    app.use('/v1/topics/:topic/*', async (c, next) => {
      allowTopics.requireAllowed(c.req.param('topic'))
      await next()
    })
  }
  addHealth(app, checks, log)
  if (role !== 'read') commands?.(app)
  if (role !== 'write') queries?.(app)
  addDocs(app, whole)
  pages?.(app)
  return app
}
