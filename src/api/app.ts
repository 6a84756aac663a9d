import type { OpenAPIHono } from '@hono/zod-openapi'
import type { User } from './auth.ts'

export type AppEnv = {
  Variables: {
    /** Set by `createAuthenticate` only: there is none on anonymous calls. */
    user: User
    correlationId: string
  }
}
export type App = OpenAPIHono<AppEnv>
