import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../src/embedded/free-port.ts'
import { startServers } from '../../src/embedded/start-servers.ts'
import { collectionsOf } from '../../src/mongo/collections.ts'
import { connectMongo } from '../../src/mongo/connect.ts'
import { connectRedis } from '../../src/redis/connect.ts'
import { groupInfos } from '../../src/redis/info.ts'
import { createKeys } from '../../src/redis/keys.ts'
import { quiet, until } from '../deployment.ts'
import { type Child, startVerb } from './child.ts'
import { createClient, jwtSecret } from './client.ts'

type Options = {
  /** Instead of a server of this place's own. */
  redisUrl?: string
  mongodbUrl?: string
  /** For the servers of its own. */
  env?: NodeJS.ProcessEnv
  onDeath?(name: string, detail: string): void
}

/** How long an entry lies with a dead consumer before another takes it, ms: 15 s in production. */
const claimAfterMs = 1_500

/** A deployment in processes of its own: Redis and MongoDB, started again when they die, an API, consumers. */
export async function createPlace(options: Options = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'ovation-faults-'))
  const servers = await startServers({ dir, say: () => {}, ...options })
  const { redisUrl, mongodbUrl } = servers
  const keys = createKeys('ov:', 4)
  const redis = connectRedis(redisUrl, 'consumer', quiet)
  const mongo = connectMongo(mongodbUrl, { poolSize: 4, purpose: 'write' })
  const children: Child[] = []
  const env = {
    REDIS_URL: redisUrl,
    MONGODB_URL: mongodbUrl,
    PARTITIONS: `${keys.partitions.length}`,
    JWT_SECRET: jwtSecret,
    // Looked at and never reached.
    RATE_COMMENTS: '1000000/1s',
    RATE_LIKES: '1000000/1s',
    RATE_REPORTS: '1000000/1s',
    OPS_PORT: '0',
    PORT: `${await freePort()}`,
  }
  const url = `http://127.0.0.1:${env.PORT}`
  const client = createClient(url)
  const start = (args: readonly string[], other: Record<string, string> = {}) => {
    const child = startVerb(args, { ...env, ...other }, join(dir, `${children.length}-${args[0]}.log`))
    children.push(child)
    return child
  }
  const isHealthy = async () => (await client.once({ method: 'GET', path: '/healthz' })).status === 200

  return {
    dir,
    redis,
    keys,
    collections: collectionsOf(mongo.db),
    client,
    redisUrl,
    mongodbUrl,
    url,
    pids: servers.pids,
    /** Any verb of the product. */
    start,
    /** Listens on the same port each time. */
    async startApi(other?: Partial<typeof env>): Promise<Child> {
      const api = start(['serve'], other)
      await until(isHealthy).catch((error: unknown) => {
        throw new Error(`the API does not answer:\n${api.log()}`, { cause: error })
      })
      return api
    },
    startConsumer: (name: string, other?: Partial<typeof env>): Child =>
      start(['consume', '--name', name, '--claim-after', `${claimAfterMs}`], other),
    /** Resolves when every group has acknowledged everything and the numbers are in MongoDB. */
    async caughtUp(): Promise<void> {
      let left = ''
      await until(async () => (left = await backlog({ redis, keys })) === '', 60_000).catch((cause: unknown) => {
        throw new Error(`not caught up: ${left}`, { cause })
      })
    },
    /** What a failed test wants to know. */
    logs: () => children.map((child) => child.log()).join('\n'),
    async close() {
      await Promise.all(children.map((child) => child.kill()))
      redis.disconnect()
      await mongo.close()
      await servers.stop()
      await rm(dir, { recursive: true, force: true })
    },
  }
}
export type Place = Awaited<ReturnType<typeof createPlace>>

export const groups = ['counts', 'feed', 'likes', 'store']

/** What is not done yet, in words; empty when all is. A group that is missing is not done. */
export async function backlog({ redis, keys }: Pick<Place, 'redis' | 'keys'>): Promise<string> {
  const left: string[] = []
  for (const partition of keys.partitions) {
    const [term, lostTo, lateTo] = await redis.hmget(partition.meta, 'term', 'lostTo', 'lateTo')
    if (!term || lostTo || lateTo) left.push(`partition ${partition.partition} is ${term ? 'to be reconciled' : 'closed'}`)
    const hot = (await redis.hkeys(partition.hotspots)).map((topic) => `hot:${topic}`)
    for (const lane of ['global', 'priority', ...hot]) {
      const [last] = await redis.xrevrange(partition.lane(lane), '+', '-', 'COUNT', 1)
      const found = await groupInfos(redis, partition.lane(lane))
      for (const group of groups) {
        const info = found.find(({ name }) => name === group)
        if (!info) left.push(`${group} of ${lane} is missing`)
        else if (info['pending'] !== 0) left.push(`${group} of ${lane} has ${String(info['pending'])} pending`)
        else if (last && info['last-delivered-id'] !== last[0]) left.push(`${group} of ${lane} has entries to read`)
      }
    }
    for (const model of ['likes', 'counts'])
      if ((await redis.exists(partition.dirty(model))) === 1) left.push(`${model} are on their way to MongoDB`)
  }
  return left.join(', ')
}

/** How many entries a consumer has been given and has not acknowledged. */
export async function pending(
  { redis, keys }: Pick<Place, 'redis' | 'keys'>,
  consumer: string,
  of: readonly string[] = groups,
): Promise<number> {
  let count = 0
  for (const partition of keys.partitions) {
    const hot = (await redis.hkeys(partition.hotspots)).map((topic) => `hot:${topic}`)
    for (const lane of ['global', 'priority', ...hot])
      for (const group of of) {
        const [, , , each] = (await redis.xpending(partition.lane(lane), group)) as [number, unknown, unknown, [string, string][] | null]
        count += Number(each?.find(([name]) => name === consumer)?.[1] ?? 0)
      }
  }
  return count
}
