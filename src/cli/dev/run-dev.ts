import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { pino } from 'pino'
import { readConfig } from '../../config.ts'
import { startConsumers } from '../../consumers/start-consumers.ts'
import { startServers } from '../../embedded/start-servers.ts'
import { createKeys } from '../../redis/keys.ts'
import { unset } from '../deployment.ts'
import { Failure, reasonOf } from '../failures.ts'
import { limitsIn } from '../hotspots/read-hotspots.ts'
import { runApi } from '../run-api.ts'
import { folderName, readRunFile, removeRunFile, writeRunFile } from '../run-file.ts'
import { stopSignal } from '../until-stopped.ts'
import { checkStores } from './check-stores.ts'
import { developmentSecret } from './development-secret.ts'
import { importSamples } from './import-samples.ts'
import { openLogFile } from './log-file.ts'
import { requirePort } from './require-port.ts'

const say = (line: string) => console.log(line)

/** The whole system in one process, its servers beside it. Resolves when it was told to stop and has stopped. */
export async function runDev(): Promise<void> {
  const folder = resolve(folderName)
  mkdirSync(folder, { recursive: true })
  const other = readRunFile(folder)
  if (other && other.pid !== process.pid && (await answers(other.url)))
    throw new Failure('error', `a deployment runs in this folder: ${other.url}, pid ${other.pid}. Stop it, or start in another folder`)
  const defaults = { JWT_SECRET: developmentSecret(folder), OPS_PORT: '0' }
  const given = readConfig(undefined, { ...defaults, ...unset })
  await requirePort(given.port, given.host)

  const stops: (() => unknown)[] = []
  let isReady = false
  const stopped = stopSignal(() => {
    say(isReady ? '\nstopping (Ctrl-C again: at once)' : '\nstopped while starting')
    if (!isReady) process.exit(130) // the servers end with us
  })
  try {
    const { failure } = await start()
    isReady = true
    const cause = await Promise.race([stopped, failure])
    if (cause !== undefined) throw new Failure('error', `a consumer stopped, see ${folderName}/ovation.log: ${reasonOf(cause)}`, { cause })
  } finally {
    for (const stop of stops.reverse()) await (async () => stop())().catch((error: unknown) => say(reasonOf(error)))
  }

  async function start(): Promise<{ failure: Promise<unknown> }> {
    const { redisUrl, mongodbUrl, stop } = await startServers({
      dir: folder,
      redisUrl: given.redisUrl === unset.REDIS_URL ? undefined : given.redisUrl,
      mongodbUrl: given.mongodbUrl === unset.MONGODB_URL ? undefined : given.mongodbUrl,
      say,
      onDeath: (name, detail) => say(`${name} ${detail}`),
    })
    stops.push(stop)
    const config = readConfig(undefined, { ...defaults, REDIS_URL: redisUrl, MONGODB_URL: mongodbUrl })
    const { keyPrefix, partitions, idempotencyWindowMs } = config
    const logFile = openLogFile(join(folder, 'ovation.log'))
    stops.push(() => logFile.end())
    const log = pino({ level: config.logLevel }, logFile)
    await checkStores(config, log, say)
    const keys = createKeys(keyPrefix, partitions)
    const consumers = await startConsumers({
      redisUrl,
      mongodbUrl,
      keys,
      name: 'dev',
      idempotencyWindowMs,
      hotspots: limitsIn(config),
      log: log.child({ service: 'consumer' }),
    })
    const failure = consumers.failed.catch((error: unknown) => error)
    stops.push(consumers.stop)
    const api = await runApi(config, log.child({ service: 'api' }), 'all')
    stops.push(api.stop)
    stops.push(() => removeRunFile(folder))
    process.once('exit', () => removeRunFile(folder))
    writeRunFile(folder, { pid: process.pid, url: api.url, redisUrl, mongodbUrl, keyPrefix, partitions })
    await importSamples({ config, keys, log, say })
    say(`consumers: ${consumers.stats().length} readers, log in ${folderName}/ovation.log`)
    say(`ready ${api.url}\n\n${firstCalls(api.url)}`)
    return { failure }
  }
}

const answers = (url: string): Promise<boolean> =>
  fetch(`${url}/healthz`, { signal: AbortSignal.timeout(1_000) }).then(
    () => true,
    () => false,
  )

const firstCalls = (url: string): string => `  curl '${url}/v1/topics/song:psy/comments?limit=2'
  curl '${url}/v1/topics/song:psy/comments' -H "authorization: Bearer $(npx ovation token --sub ann --name Ann)" \\
    -H 'content-type: application/json' -d '{"body": "Hello"}'
`
