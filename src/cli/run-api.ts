import type { Hono } from 'hono'
import type { Logger } from 'pino'
import { startApi } from '../api/start-api.ts'
import type { Config } from '../config.ts'
import { addPages } from '../web/pages.ts'
import { createLagCheck } from './lag-check.ts'

/** The API with what its folder may not know: the consumers' lag and the pages. */
export async function runApi(config: Config, log: Logger, role: 'read' | 'write' | 'all'): Promise<{ url: string; stop(): Promise<void> }> {
  const lag = createLagCheck(config, log)
  try {
    const api = await startApi(config, log, {
      role,
      checks: [lag],
      ...(role === 'write' ? {} : { pages: (app: unknown) => addPages(app as Hono) }),
    })
    return {
      url: api.url,
      async stop() {
        lag.stop()
        await api.stop()
      },
    }
  } catch (error) {
    lag.stop()
    throw error
  }
}
