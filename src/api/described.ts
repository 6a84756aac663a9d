import { OpenAPIHono } from '@hono/zod-openapi'
import { createTopicPolicy } from '../topics.ts'
import type { App, AppEnv } from './app.ts'
import { commands } from './commands/commands.ts'
import type { CommandDependencies, QueryDependencies } from './dependencies.ts'
import { queries } from './queries/queries.ts'

const pass: CommandDependencies['authenticate'] = async (_, next) => next()

/** Every call of both roles, registered to be described and never served: nothing behind it has to run. */
export function describeCalls(): App {
  const app: App = new OpenAPIHono<AppEnv>()
  const nothing: unknown = { authenticate: pass, admit: () => pass }
  commands(app, nothing as CommandDependencies)
  queries(app, nothing as QueryDependencies, createTopicPolicy(['*']))
  return app
}
