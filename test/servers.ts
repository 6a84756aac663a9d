import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { redisFlags } from '../src/embedded/server-kinds.ts'
import { startServers } from '../src/embedded/start-servers.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    redisUrl: string
    mongodbUrl: string
  }
}

type Started = { redisUrl: string; mongodbUrl: string; stop(): Promise<void> }

/** One Redis and one MongoDB for the whole run. A test file takes a key prefix and a database of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const servers = process.env['TEST_SERVERS'] === 'containers' ? await containers() : await embedded()
  project.provide('redisUrl', servers.redisUrl)
  project.provide('mongodbUrl', servers.mongodbUrl)
  return servers.stop
}

async function embedded(): Promise<Started> {
  const { REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl } = process.env
  const dir = await mkdtemp(join(tmpdir(), 'ovation-test-'))
  const say = (line: string) => process.stderr.write(`${line}\n`)
  const servers = await startServers({ dir, redisUrl, mongodbUrl, say, onDeath: (name, detail) => say(`${name} ${detail}`) })
  return {
    ...servers,
    async stop() {
      await servers.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

async function containers(): Promise<Started> {
  const { GenericContainer } = await import('testcontainers')
  const [redis, mongo] = await Promise.all([
    new GenericContainer('redis:7')
      .withCommand(['redis-server', ...redisFlags])
      .withExposedPorts(6379)
      .start(),
    new GenericContainer('mongo:7').withExposedPorts(27017).start(),
  ])
  return {
    redisUrl: `redis://${redis.getHost()}:${redis.getMappedPort(6379)}`,
    mongodbUrl: `mongodb://${mongo.getHost()}:${mongo.getMappedPort(27017)}/?directConnection=true&retryWrites=false`,
    async stop() {
      await Promise.all([redis.stop(), mongo.stop()])
    },
  }
}
