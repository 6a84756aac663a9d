import type { HttpBindings } from '@hono/node-server'
import type { OpenAPIHono } from '@hono/zod-openapi'
import type { User } from './auth.ts'
import type { Quota } from './limits/quotas.ts'

export type AppEnv = {
  /** Node's own request and response; absent where the app is called in the process. */
  Bindings: Partial<HttpBindings> | undefined
  Variables: {
    /** Set by `createAuthenticate` only: there is none on anonymous calls. */
    user: User
    correlationId: string
    /** Of an ordinary user's write; set by `createAdmit`. */
    quota?: Quota | undefined
  }
}
export type App = OpenAPIHono<AppEnv>
