import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findServer } from '../../src/embedded/find-server.ts'
import { redis } from '../../src/embedded/server-kinds.ts'

/** A write beyond the limit fails (EFBIG), as one on a full disk does (ENOSPC), instead of ending the process by SIGXFSZ. */
const script = (binary: string, limitFile: string) => `#!/bin/sh
trap '' XFSZ
ulimit -f "$(cat '${limitFile}')"
exec '${binary}' "$@"
`

/** A Redis none of whose files can grow beyond a size, from its next start on. `binary` is what REDIS_SERVER may name. */
export async function createSmallDisk(dir: string) {
  const launch = await findServer(redis, { env: process.env, say: () => {} })
  const [real] = launch({ port: 0, bind: '', dataDir: '', logFile: '' })
  const binary = join(dir, 'redis-on-a-small-disk')
  const limitFile = join(dir, 'limit')
  const limit = (blocks: string) => writeFile(limitFile, blocks)
  await limit('unlimited')
  await writeFile(binary, script(real!, limitFile))
  await chmod(binary, 0o755)
  return {
    binary,
    /** In units of 512 bytes, as `ulimit` has them. */
    holds: (bytes: number) => limit(String(Math.ceil(bytes / 512))),
    hasRoom: () => limit('unlimited'),
  }
}
