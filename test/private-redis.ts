import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startServers } from '../src/embedded/start-servers.ts'

/** A Redis of one's own, to be killed, emptied and promoted; started again when it dies. */
export async function startPrivateRedis() {
  const dir = await mkdtemp(join(tmpdir(), 'ovation-redis-'))
  const { redisUrl, pids, stop } = await startServers({ dir, mongodbUrl: 'mongodb://unused', say: () => {} })
  return {
    url: redisUrl,
    pid: () => pids().redis,
    async stop() {
      await stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
export type PrivateRedis = Awaited<ReturnType<typeof startPrivateRedis>>
