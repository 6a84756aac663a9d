import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { findServer } from '../../src/embedded/find-server.ts'
import { freePort } from '../../src/embedded/free-port.ts'
import { type Leashed, spawnLeashed } from '../../src/embedded/leash.ts'
import type { ServerKind } from '../../src/embedded/server-kinds.ts'
import { until } from '../deployment.ts'

/** A server that nobody starts again when it dies. */
export async function createOwnServer(kind: ServerKind, dir: string) {
  const launch = await findServer(kind, { env: process.env, say: () => {} })
  const port = await freePort()
  const dataDir = join(dir, kind.name)
  mkdirSync(dataDir, { recursive: true })
  const logFile = join(dir, `${kind.name}.log`)
  let server: Leashed | undefined
  return {
    port,
    url: kind.url(port),
    async start() {
      server = spawnLeashed(launch({ port, bind: '127.0.0.1', dataDir, logFile }), logFile, process.env)
      await until(() => kind.answers(port))
    },
    async signal(signal: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT') {
      process.kill(server!.pid()!, signal)
      if (signal === 'SIGKILL') await server!.exited
    },
    stop: async () => server?.stop(),
  }
}
export type OwnServer = Awaited<ReturnType<typeof createOwnServer>>
