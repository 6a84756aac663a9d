import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../../embedded/free-port.ts'
import { startServers } from '../../embedded/start-servers.ts'
import type { Deployment, ProductProcess } from './deployment.ts'
import type { Plant } from './plants.ts'
import { startProduct, untilHealthy } from './product-process.ts'
import { hotWritesPerSecond } from './rates.ts'

type Options = { coolDownMs: number; plant: Plant | undefined; say(line: string): void; signal: AbortSignal }

const partitions = 8
const keyPrefix = 'ov:'
const idempotencyWindowMs = 3_600_000

/** The whole product in processes of its own on servers of its own, in a folder that goes with it. */
export async function startOwnDeployment({ coolDownMs, plant, say, signal }: Options): Promise<Deployment> {
  const stops: (() => Promise<unknown>)[] = []
  const stop = async () => {
    for (const each of stops.splice(0).reverse()) await each().catch((error: unknown) => say(String(error)))
  }
  try {
    const dir = await mkdtemp(join(tmpdir(), 'ovation-drill-'))
    stops.push(() => rm(dir, { recursive: true, force: true }))
    const servers = await startServers({ dir, say: () => {}, onDeath: (name, detail) => say(`${name} ${detail}`) })
    stops.push(servers.stop)
    signal.throwIfAborted()

    const jwt = { secret: randomBytes(32).toString('base64url') }
    const processes: ProductProcess[] = []
    const opsUrls: Record<string, string> = {}
    const start = async (name: string, args: readonly string[], port?: number) => {
      const opsPort = await freePort()
      opsUrls[name] = `http://127.0.0.1:${opsPort}`
      const env = {
        REDIS_URL: servers.redisUrl,
        MONGODB_URL: servers.mongodbUrl,
        PARTITIONS: `${partitions}`,
        KEY_PREFIX: keyPrefix,
        IDEMPOTENCY_WINDOW_MS: `${idempotencyWindowMs}`,
        JWT_SECRET: jwt.secret,
        OPS_PORT: `${opsPort}`,
        HOT_WRITES_PER_SECOND: `${hotWritesPerSecond}`,
        HOT_COOL_DOWN_MS: `${coolDownMs}`,
        HOT_RETIRE_AFTER_MS: '0',
        ...(port === undefined ? {} : { PORT: `${port}` }),
      }
      const started = startProduct(name, args, env, join(dir, `${name}.log`))
      processes.push(started)
      return started
    }
    stops.push(() => Promise.all(processes.map((each) => each.stop())))

    const [writePort, readPort] = [await freePort(), await freePort()]
    const [writeUrl, url] = [`http://127.0.0.1:${writePort}`, `http://127.0.0.1:${readPort}`]
    const writeApi = await start('api-write', ['serve', '--role', 'write'], writePort)
    await untilHealthy(writeUrl, writeApi, signal)
    const readApi = await start('api-read', ['serve', '--role', 'read'], readPort)
    const groups = plant === 'stopped-group' ? ['--groups', 'store,likes,feed'] : []
    const consume = (name: string, lanes: string) => start(name, ['consume', '--name', `drill-${name}`, '--lanes', lanes, ...groups])
    const hot =
      plant === 'merged-lanes'
        ? [await consume('consumers', 'priority,global,hot')]
        : [(await consume('consumers', 'priority,global'), await consume('consumers-hot', 'hot'))]
    await untilHealthy(url, readApi, signal)
    const stores = { redisUrl: servers.redisUrl, mongodbUrl: servers.mongodbUrl, keyPrefix, partitions, idempotencyWindowMs }
    return { url, writeUrl, jwt, stores, own: { processes, hot, opsUrls }, stop }
  } catch (error) {
    await stop()
    throw error
  }
}
