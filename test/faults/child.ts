import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { spawnLeashed } from '../../src/embedded/leash.ts'

const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const tsx = import.meta.resolve('tsx')

/** A process of the product. It cannot outlive the test. */
export type Child = {
  pid(): number | undefined
  freeze(): void
  /** Always false: it is awake. */
  thaw(): false
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with how it ended. */
  stop(): Promise<string>
  log(): string
}

/** `ovation <args>`, with nothing of this process's environment. */
export function startVerb(args: readonly string[], env: Record<string, string>, logFile: string): Child {
  const { PATH = '', HOME = '' } = process.env
  const child = spawnLeashed([process.execPath, '--import', tsx, main, ...args], logFile, { PATH, HOME, LOG_LEVEL: 'info', ...env })
  return {
    pid: child.pid,
    freeze: () => void process.kill(child.pid()!, 'SIGSTOP'),
    thaw() {
      const pid = child.pid()
      if (pid !== undefined) process.kill(pid, 'SIGCONT')
      return false
    },
    async kill() {
      const pid = child.pid()
      if (pid !== undefined) process.kill(pid, 'SIGKILL')
      await child.exited
    },
    async stop() {
      await child.stop()
      return child.exited
    },
    log: () => readFileSync(logFile, 'utf8'),
  }
}
