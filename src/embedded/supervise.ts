import { setTimeout as sleep } from 'node:timers/promises'
import type { Leashed } from './leash.ts'

export type Supervised = { pid(): number | undefined; stop(): Promise<void> }
type Supervision = {
  spawn(): Leashed
  answers(): Promise<boolean>
  onDeath(detail: string): void
  /** Called once when the first start takes long (recovery, a large append-only file). */
  onSlow?(): void
  startTimeoutMs?: number
  firstDelayMs?: number
  longestDelayMs?: number
  /** A server that lived this long is forgiven its earlier deaths. */
  stableMs?: number
}

/** Resolves when the server answers; from then on a death is followed by another start, later each time. */
export async function supervise(supervision: Supervision): Promise<Supervised> {
  const { spawn, answers, onDeath, onSlow, startTimeoutMs = 120_000 } = supervision
  const { firstDelayMs = 100, longestDelayMs = 5_000, stableMs = 10_000 } = supervision
  const stopping = new AbortController()
  let server = spawn()
  try {
    await untilAnswering(server, answers, startTimeoutMs, onSlow)
  } catch (error) {
    await server.stop()
    throw error
  }
  const watching = keepAlive()
  return {
    pid: () => server.pid(),
    async stop() {
      stopping.abort()
      await server.stop()
      await watching
    },
  }

  async function keepAlive(): Promise<void> {
    let delayMs = firstDelayMs
    for (;;) {
      const startedAt = performance.now()
      const how = await server.exited
      if (stopping.signal.aborted) return
      if (performance.now() - startedAt > stableMs) delayMs = firstDelayMs
      onDeath(`${how}; starting it again in ${delayMs} ms`)
      await sleep(delayMs, undefined, { signal: stopping.signal }).catch(() => {})
      if (stopping.signal.aborted) return
      delayMs = Math.min(delayMs * 2, longestDelayMs)
      server = spawnAgain()
    }
  }

  /** On a full disk not even the log file opens: that is one more death, to be tried again. */
  function spawnAgain(): Leashed {
    try {
      return spawn()
    } catch (error) {
      return { pid: () => undefined, exited: Promise.resolve(`could not be started: ${(error as Error).message}`), stop: async () => {} }
    }
  }
}

async function untilAnswering(server: Leashed, answers: () => Promise<boolean>, timeoutMs: number, onSlow?: () => void): Promise<void> {
  let died: string | undefined
  void server.exited.then((how) => (died = how))
  const slow = setTimeout(() => onSlow?.(), 3_000)
  const deadline = performance.now() + timeoutMs
  try {
    while (!(await answers())) {
      if (died !== undefined) throw new Error(died)
      if (performance.now() > deadline) throw new Error(`did not answer within ${timeoutMs / 1_000} s`)
      await sleep(10)
    }
  } finally {
    clearTimeout(slow)
  }
}
