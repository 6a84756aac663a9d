import type { Context, Hono } from 'hono'
import type { Logger } from 'pino'
import type { AppEnv } from './app.ts'

export type CheckResult = { ok: boolean; detail?: unknown }
/**
 * A dependency. Without one fine check in each group of `vital` ones the process cannot serve; the others only tell what its answers lack.
 * `detail` is public.
 */
export type Check = { name: string; vital?: string; check(): Promise<CheckResult> }

/** Longest wait for one check, ms. */
const boundMs = 1_000

/** `/healthz`: the process answers. `/readyz`: it can serve, 503 when not, with the result of each dependency and the names of those that fail. */
export function addHealth(app: Hono<AppEnv>, checks: readonly Check[], log: Logger): void {
  let running: Promise<Record<string, CheckResult>> | undefined

  async function runAll() {
    const results = await Promise.all(checks.map(async (check) => [check.name, await run(check, log)] as const))
    return Object.fromEntries(results)
  }

  app.get('/healthz', (c) => send(c, 200, { ok: true }))
  app.get('/readyz', async (c) => {
    // Calls that come together share one run: asking often costs the dependencies nothing.
    running ??= runAll().finally(() => (running = undefined))
    const results = await running
    const vital = [...new Set(checks.flatMap((check) => check.vital ?? []))]
    const ok = vital.every((group) => checks.some((check) => check.vital === group && results[check.name]!.ok))
    const degraded = Object.keys(results).filter((name) => !results[name]!.ok)
    return send(c, ok ? 200 : 503, { ok, degraded, checks: results })
  })
}

async function run({ name, check }: Check, log: Logger): Promise<CheckResult> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<CheckResult>((resolve) => {
    timer = setTimeout(resolve, boundMs, { ok: false, detail: `no answer within ${boundMs} ms` })
  })
  try {
    return await Promise.race([check(), late])
  } catch (error) {
    log.warn({ check: name, err: error }, 'readiness check failed')
    return { ok: false, detail: 'failed' }
  } finally {
    clearTimeout(timer)
  }
}

const send = (c: Context, status: 200 | 503, body: unknown) => c.json(body, status, { 'Cache-Control': 'no-store' })
