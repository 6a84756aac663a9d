import { execFile } from 'node:child_process'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import type { Launch, ServerKind } from './server-kinds.ts'

const run = promisify(execFile)

export async function isDockerRunning(env: NodeJS.ProcessEnv): Promise<boolean> {
  return run('docker', ['info'], { env, timeout: 2_000 }).then(
    () => true,
    () => false,
  )
}

/** The folder is mounted at its own path and `docker run` stays in the foreground, so a container is supervised like a process. */
export async function inContainer(kind: ServerKind, env: NodeJS.ProcessEnv, tell: (line: string) => void): Promise<Launch> {
  const { name: image, binary } = kind.image
  tell(`using Docker, image ${image}`)
  await run('docker', ['image', 'inspect', image], { env }).catch(() => {
    tell(`pulling ${image}, once`)
    return run('docker', ['pull', '--quiet', image], { env })
  })
  const user = `${process.getuid?.() ?? 0}:${process.getgid?.() ?? 0}`
  return (at) => {
    const folder = dirname(at.dataDir)
    const options = ['--rm', '--user', user, '-p', `127.0.0.1:${at.port}:${at.port}`, '-v', `${folder}:${folder}`]
    const protection = kind.name === 'redis' ? ['--protected-mode', 'no'] : []
    const server = [image, binary, ...kind.args({ ...at, bind: '0.0.0.0' }), ...protection]
    // A killed docker client leaves its container behind: the next start removes it by name.
    const replace = 'docker rm --force "$0" >/dev/null 2>&1; exec docker run --name "$0" "$@"'
    return ['sh', '-c', replace, `ovation-${kind.name}-${at.port}`, ...options, ...server]
  }
}
