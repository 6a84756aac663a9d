import { Hono } from 'hono'
import type { Logger } from 'pino'
import type { Registry } from 'prom-client'
import type { Config } from '../config.ts'
import { type Listening, listen } from './listen.ts'

/** What operators' machines ask, on a port of its own that is not for the public. */
export function createOpsApp(registry: Registry): Hono {
  const app = new Hono()
  app.get('/metrics', async (c) => c.body(await registry.metrics(), 200, { 'Content-Type': registry.contentType }))
  return app
}

export const listenOps = (registry: Registry, { host, opsPort }: Pick<Config, 'host' | 'opsPort'>, log: Logger): Promise<Listening> =>
  listen(createOpsApp(registry).fetch, { host, port: opsPort, portVariable: 'OPS_PORT', log })
