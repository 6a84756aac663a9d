import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { answersHello, answersPing, isOpen } from './answers.ts'
import { type Servers, startServers } from './start-servers.ts'

const portOf = (url: string) => Number(new URL(url).port)
const soon = { timeout: 15_000, interval: 10 }

describe('startServers', () => {
  let dir: string
  const running: Servers[] = []
  const start = async (options: Partial<Parameters<typeof startServers>[0]> = {}): Promise<Servers> => {
    const servers = await startServers({ dir, say: () => {}, ...options })
    running.push(servers)
    return servers
  }
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'ovation-servers-'))
    vi.stubEnv('TMPDIR', dir) // where the lock lies, which a killed parent leaves
  })
  afterEach(async () => {
    vi.unstubAllEnvs()
    await Promise.all(running.splice(0).map((servers) => servers.stop()))
    rmSync(dir, { recursive: true, force: true })
  })

  it('keeps data and ports between starts', async () => {
    const first = await start()
    await withRedis(first, (redis) => redis.set('song', 'kept'))
    await withMongo(first, (mongo) => mongo.db('test').collection('songs').insertOne({ title: 'kept' }))
    await first.stop()
    expect(await isOpen(portOf(first.redisUrl))).toBe(false)
    expect(readFileSync(join(dir, 'mongod.log'), 'utf8')).toContain('"exitCode":0') // it was asked, not killed
    const second = await start()
    expect(second).toMatchObject({ redisUrl: first.redisUrl, mongodbUrl: first.mongodbUrl })
    expect(await withRedis(second, (redis) => redis.get('song'))).toBe('kept')
    expect(await withMongo(second, (mongo) => mongo.db('test').collection('songs').findOne())).toMatchObject({ title: 'kept' })
  })

  it('configures Redis so that nothing accepted is lost', async () => {
    const { redisUrl } = await start({ mongodbUrl: 'mongodb://example.org' })
    const valueOf = async (name: string) => withRedis({ redisUrl }, async (redis) => (await redis.config('GET', name))[1])
    expect(await Promise.all(['appendonly', 'appendfsync', 'maxmemory-policy', 'save'].map(valueOf))).toEqual([
      'yes',
      'always',
      'noeviction',
      '',
    ])
  })

  it('starts a killed server again on its port, with its data', async () => {
    const onDeath = vi.fn<(name: string, detail: string) => void>()
    const servers = await start({ onDeath })
    const before = servers.pids()
    await withRedis(servers, (redis) => redis.set('song', 'kept'))
    process.kill(before.redis ?? 0, 'SIGKILL')
    process.kill(before.mongod ?? 0, 'SIGKILL')
    await vi.waitFor(() => expect(onDeath).toHaveBeenCalledTimes(2), soon)
    expect(onDeath).toHaveBeenCalledWith('redis', 'was killed by SIGKILL; starting it again in 100 ms')
    await vi.waitFor(async () => expect(await answersPing(portOf(servers.redisUrl))).toBe(true), soon)
    await vi.waitFor(async () => expect(await answersHello(portOf(servers.mongodbUrl))).toBe(true), soon)
    expect(servers.pids().redis).not.toBe(before.redis)
    expect(await withRedis(servers, (redis) => redis.get('song'))).toBe('kept')
  })

  it('refuses a folder whose servers run', async () => {
    await start()
    await expect(start()).rejects.toThrow(`${dir} is in use`)
  })

  it('takes its servers with it when it is killed, and starts anew at once', async () => {
    const { parent, urls } = await startInChild(dir)
    expect(await isOpen(portOf(urls.redisUrl))).toBe(true)
    parent.kill('SIGKILL')
    const servers = await start() // while the watchdogs may still be ending them
    expect(servers).toMatchObject(urls)
    await servers.stop()
    expect(await isOpen(portOf(urls.redisUrl))).toBe(false)
    expect(await isOpen(portOf(urls.mongodbUrl))).toBe(false)
  })

  it('leaves no server behind a killed parent', async () => {
    const { parent, urls } = await startInChild(dir)
    parent.kill('SIGKILL')
    await vi.waitFor(async () => expect(await isOpen(portOf(urls.redisUrl))).toBe(false), soon)
    await vi.waitFor(async () => expect(await isOpen(portOf(urls.mongodbUrl))).toBe(false), soon)
  })

  it('uses servers that it is given and starts none', async () => {
    const said: string[] = []
    const given = { redisUrl: 'redis://me:secret@example.org:6379', mongodbUrl: 'mongodb://example.org' }
    const servers = await start({ ...given, say: (line) => said.push(line) })
    expect(servers).toMatchObject(given)
    expect(servers.pids()).toEqual({ redis: undefined, mongod: undefined })
    expect(said).toEqual(['redis: using redis://example.org:6379', 'mongod: using mongodb://example.org'])
  })

  it('shows the end of the log of a server that does not start', async () => {
    const broken = join(dir, 'redis-server')
    writeFileSync(broken, '#!/bin/sh\n[ "$1" = --version ] && echo v=7.0.0 && exit\necho the disk is on fire\nexit 3\n', { mode: 0o755 })
    const starting = start({ mongodbUrl: 'mongodb://example.org', env: { ...process.env, REDIS_SERVER: broken } })
    await expect(starting).rejects.toThrow(/^redis exited with code 3\. The end of .*redis\.log:\n {2}the disk is on fire$/)
  })

  it('shows that another mongod holds the data', async () => {
    const first = await start({ redisUrl: 'redis://example.org' })
    // Our own lock and memory of it lost: with another TMPDIR the lock lies elsewhere.
    rmSync(join(dir, 'mongod.json'))
    vi.stubEnv('TMPDIR', mkdtempSync(join(dir, 'tmp-')))
    await expect(start({ redisUrl: 'redis://example.org' })).rejects.toThrow(/^mongod exited with code 100.*DBPathInUse/s)
    expect(await answersHello(portOf(first.mongodbUrl))).toBe(true)
  })
})

async function withRedis<T>({ redisUrl }: Pick<Servers, 'redisUrl'>, use: (redis: Redis) => Promise<T>): Promise<T> {
  const redis = new Redis(redisUrl)
  return use(redis).finally(() => redis.disconnect())
}

async function withMongo<T>({ mongodbUrl }: Servers, use: (mongo: MongoClient) => Promise<T>): Promise<T> {
  const mongo = new MongoClient(mongodbUrl)
  try {
    return await use(mongo)
  } finally {
    await mongo.close()
  }
}

async function startInChild(dir: string) {
  const code = `
    const { startServers } = await import('${import.meta.dirname}/start-servers.ts')
    const { redisUrl, mongodbUrl } = await startServers({ dir: '${dir}', say() {} })
    console.log(JSON.stringify({ redisUrl, mongodbUrl }))`
  const parent = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(createInterface(parent.stdout), 'line')) as [string]
  return { parent, urls: JSON.parse(line) as Pick<Servers, 'redisUrl' | 'mongodbUrl'> }
}
