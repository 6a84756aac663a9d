import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { type Collections, collectionsOf } from '../../mongo/collections.ts'
import { connectMongo } from '../../mongo/connect.ts'
import { connectRedis } from '../../redis/connect.ts'
import { type Keys, createKeys } from '../../redis/keys.ts'
import type { Deployment } from './deployment.ts'
import { type Ledger, createLedger } from './ledger.ts'
import { percentile } from './percentile.ts'
import type { Progress } from './progress.ts'
import { type Recorder, createRecorder } from './recorder.ts'
import type { Settings } from './settings.ts'
import { type Generator, startGenerator } from './start-generator.ts'
import { type Topics, createTopics } from './topics.ts'
import { deadLetters } from './verify.ts'
import { type Watch, startWatch } from './watch.ts'

export type Run = {
  settings: Settings
  deployment: Deployment
  topics: Topics
  /** Ordinary traffic, flood, probes, artist; and what fills the backlog, where the stores are given. */
  generator: Generator
  filler: Generator | undefined
  ledger: Ledger
  recorder: Recorder
  stores: { redis: Redis; keys: Keys; collections: Collections } | undefined
  watch: Watch
  progress: Progress
  signal: AbortSignal
  sinceMs: number
  /** Dead letters that were there before. */
  deadBefore: Promise<number>
  /** Rejects when a generator ends. */
  generatorEnded: Promise<never>
  close(): Promise<void>
}

type Open = { settings: Settings; deployment: Deployment; progress: Progress; signal: AbortSignal }

/** Generators and watchers of a deployment; `close` ends them, not the deployment. */
export async function openRun({ settings, deployment, progress, signal }: Open): Promise<Run> {
  const sinceMs = Date.now()
  const topics = createTopics(settings.topics, settings.topicPrefix)
  const ledger = createLedger()
  const recorder = createRecorder(ledger, (samples) => percentile(samples, 0.99))
  const stops: (() => Promise<unknown>)[] = []
  const close = async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
  }
  try {
    const stores = deployment.stores && openStores(deployment.stores, stops)
    const start = async () => {
      const started = await startGenerator(recorder.addTick, signal)
      stops.push(started.stop)
      const { url, writeUrl, jwt } = deployment
      const { topics: count, topicPrefix, users } = settings
      await started.ask('begin', { url, writeUrl, topics: count, topicPrefix, users, jwt })
      return started
    }
    const generator = await start()
    const filler = deployment.own && stores ? await start() : undefined
    const generatorEnded = Promise.race([generator.ended, ...(filler ? [filler.ended] : [])])
    generatorEnded.catch(() => {}) // for who races with it
    const deadBefore = stores ? deadLetters(stores.redis, stores.keys) : Promise.resolve(0)
    deadBefore.catch(() => {}) // told at the comparison
    const watch = startWatch({ stores, deployment, landed: topics.names[topics.landed]!, recorder, progress })
    stops.push(async () => watch.stop())
    const seen = { ledger, recorder, stores, watch, sinceMs, deadBefore }
    return { settings, deployment, topics, generator, filler, generatorEnded, ...seen, progress, signal, close }
  } catch (error) {
    await close()
    throw error
  }
}

function openStores({ redisUrl, mongodbUrl, keyPrefix, partitions }: NonNullable<Deployment['stores']>, stops: (() => Promise<unknown>)[]) {
  const redis = connectRedis(redisUrl, 'consumer', pino({ level: 'silent' })) // comparing keeps this process too busy for a command's 2 s
  const mongo = connectMongo(mongodbUrl, { poolSize: 10, purpose: 'write' }) // only read; a reader's patience is a second
  stops.push(async () => {
    redis.disconnect()
    await mongo.close()
  })
  return { redis, keys: createKeys(keyPrefix, partitions), collections: collectionsOf(mongo.db) }
}
