import { setTimeout as delay } from 'node:timers/promises'
import { spawnLeashed } from '../../embedded/leash.ts'
import { logTail } from '../../embedded/log-tail.ts'
import { Failure } from '../failures.ts'
import type { ProductProcess } from './deployment.ts'
import { mainFile } from './own-files.ts'

/** `ovation <args>` with this environment and nothing of ours. It ends with this process, however that ends. */
export function startProduct(name: string, args: readonly string[], env: Record<string, string>, logFile: string): ProductProcess {
  const child = spawnLeashed([process.execPath, ...process.execArgv, mainFile, ...args], logFile, { LOG_LEVEL: 'warn', ...env })
  const signal = (kind: 'SIGSTOP' | 'SIGCONT') => {
    const pid = child.pid()
    if (pid !== undefined) process.kill(pid, kind)
  }
  return {
    name,
    pid: child.pid,
    freeze: () => signal('SIGSTOP'),
    thaw: () => signal('SIGCONT'),
    async stop() {
      signal('SIGCONT') // a frozen process does not hear that it is to stop
      await child.stop()
    },
    logTail: () => logTail(logFile),
  }
}

const patienceMs = 30_000

/** Resolves when the API answers; rejects with the end of its log where it does not. */
export async function untilHealthy(url: string, api: ProductProcess, signal: AbortSignal): Promise<void> {
  for (const deadline = performance.now() + patienceMs; ; await delay(50, undefined, { signal })) {
    const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1_000) }).catch(() => undefined)
    if (answer?.ok) return
    if (api.pid() === undefined || performance.now() > deadline)
      throw new Failure('error', `${api.name} does not answer. The end of its log:\n${api.logTail()}`)
  }
}
