import { spawn } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

export type Leashed = { pid(): number | undefined; exited: Promise<string>; stop(): Promise<void> }

/** Ends the server when our end of the pipe closes, which the kernel does however we die. `$1` is the server's pid. */
const watchdog = 'read _; kill -TERM "$1"; n=0; while kill -0 "$1" && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; kill -KILL "$1"'
const patienceMs = 10_000

/**
 * Starts a server that cannot outlive this process. It and its watchdog lead process groups of their own, so a Ctrl-C in
 * the terminal reaches only us and consumers can drain before the servers go.
 */
export function spawnLeashed([command = '', ...args]: string[], logFile: string, env: NodeJS.ProcessEnv): Leashed {
  const log = openSync(logFile, 'a')
  // LC_ALL: Redis refuses to start under a locale that is not installed.
  const server = spawn(command, args, { env: { ...env, LC_ALL: 'C' }, detached: true, stdio: ['ignore', log, log] })
  closeSync(log)
  let alive = server.pid !== undefined
  const exited = new Promise<string>((resolve) => {
    server.on('error', (error) => resolve(`could not be started: ${error.message}`))
    server.on('exit', (code, signal) => resolve(signal ? `was killed by ${signal}` : `exited with code ${code}`))
  })
  const guard = spawn('sh', ['-c', watchdog, 'ovation-leash', `${server.pid}`], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  guard.on('error', () => {})
  void exited.then(() => {
    alive = false
    guard.kill('SIGKILL')
  })
  return {
    pid: () => (alive ? server.pid : undefined),
    exited,
    async stop() {
      if (!alive) return
      server.kill('SIGTERM')
      const patience = new AbortController()
      const kill = sleep(patienceMs, undefined, { signal: patience.signal }).then(() => server.kill('SIGKILL'))
      await exited
      patience.abort()
      await kill.catch(() => {})
    },
  }
}
