import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { openLog } from '../events/open-log.ts'
import { reconcile } from '../events/reconcile.ts'
import { collectionsOf } from '../mongo/collections.ts'
import { connectMongo } from '../mongo/connect.ts'
import { durabilityWarnings, partitionsFault } from '../redis/check-server.ts'
import { connectRedis } from '../redis/connect.ts'
import { createKeys } from '../redis/keys.ts'
import { createTopicPolicy } from '../topics.ts'
import type { App } from './app.ts'
import { createAuthenticate } from './auth.ts'
import { commands } from './commands/commands.ts'
import { type ApiRole, createApp } from './create-app.ts'
import type { Check } from './health.ts'
import { createAdmission } from './limits/admission.ts'
import { createAdmit } from './limits/admit.ts'
import { createQuotas } from './limits/quotas.ts'
import { listen } from './listen.ts'
import { createMetrics } from './metrics.ts'
import { listenOps } from './ops-server.ts'
import { queries } from './queries/queries.ts'
import { createReadSide, createReader } from './read/create-read-side.ts'
import { exportGuardMetrics } from './read/metrics.ts'
import { createMongoGuard } from './read/mongo-guard.ts'
import { createWriteTokens } from './write-token.ts'

export type RunningApi = { url: string; opsUrl: string; stop(): Promise<void> }
type Options = { role: ApiRole; checks?: readonly Check[]; pages?: (app: App) => void }

/** Reads of MongoDB that commands make, beside the 16 of the queries: neither takes the other's places. */
const coldReads = { limit: 4, queue: 32 }

/** Connects, listens and answers. Starts while MongoDB is away; rejects where Redis was set up with another number of partitions. */
export async function startApi(config: Config, log: Logger, { role, checks = [], pages }: Options): Promise<RunningApi> {
  const writing = connectRedis(config.redisUrl, 'request', log)
  const reading = connectRedis(config.redisUrl, 'read', log)
  const mongo = connectMongo(config.mongodbUrl, { poolSize: 20, purpose: 'read' })
  const collections = collectionsOf(mongo.db)
  const keys = createKeys(config.keyPrefix, config.partitions)
  const metrics = createMetrics()
  const tokens = createWriteTokens(config.writeTokenSecret)
  const readSide = role === 'write' ? undefined : createReadSide({ redis: reading, keys, collections, tokens, metrics, config, log })
  const coldGuard = createMongoGuard(coldReads)
  const reader = readSide?.reader ?? createReader({ redis: reading, keys, collections, guard: coldGuard, isBehind: () => false })
  if (!readSide) exportGuardMetrics(metrics.registry, coldGuard)
  const admission = role === 'read' ? undefined : createAdmission({ redis: writing, keys, config, registry: metrics.registry, log })

  const app = (): App => {
    const policy = createTopicPolicy(config.allowedTopics)
    const authenticate = createAuthenticate(config)
    const { idempotencyWindowMs } = config
    const append = openLog({ redis: writing, keys, collections, idempotencyWindowMs, log, guardRead: coldGuard.run })
    return createApp({
      config,
      log,
      role,
      metrics,
      checks: [redisCheck(reading, role), mongoCheck(mongo.db, role), ...(admission ? [admission.check] : []), ...checks],
      allowTopics: policy,
      ...(admission
        ? {
            commands: (to) =>
              commands(to, {
                append,
                tokens,
                reader,
                authenticate,
                admit: createAdmit(createQuotas(config, keys), admission),
                editWindowMs: config.editWindowMs,
              }),
          }
        : {}),
      ...(readSide ? { queries: (to) => queries(to, { ...readSide, authenticate }, policy) } : {}),
      ...(pages ? { pages } : {}),
    })
  }

  const close = async () => {
    readSide?.stop()
    admission?.stop()
    writing.disconnect()
    reading.disconnect()
    await mongo.close()
  }
  try {
    const fault = await partitionsFault(writing, config.keyPrefix, config.partitions)
    if (fault) throw new Error(fault)
    for (const warning of await durabilityWarnings(writing)) log.warn(warning)
    // Before the first request, so that a new deployment answers as whole; where that fails, the first write or a consumer does it.
    const opening = {
      redis: writing,
      events: collections.events,
      settings: collections.settings,
      idempotencyWindowMs: config.idempotencyWindowMs,
      log,
    }
    if (role === 'read') writing.disconnect()
    else await Promise.allSettled(keys.partitions.map((partition) => reconcile(opening, partition)))
    const { fetch: answer } = app()
    const fetch = readSide?.fastPath.inFrontOf(answer) ?? answer
    const api = await listen(fetch, { host: config.host, port: config.port, maxConnections: config.maxConnections, log })
    const ops = await listenOps(metrics.registry, config, log)
    return {
      url: api.url,
      opsUrl: ops.url,
      async stop() {
        await Promise.all([api.close(), ops.close()])
        await close()
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** A writer needs the log; a reader one of the two, whose answers are thinner without the other. */
const vitalTo = (role: ApiRole, name: 'redis' | 'mongodb'): string | undefined =>
  role !== 'write' ? 'reads' : name === 'redis' ? 'log' : undefined

const redisCheck = (redis: ReturnType<typeof connectRedis>, role: ApiRole): Check => ({
  name: 'redis',
  vital: vitalTo(role, 'redis'),
  check: async () => ({ ok: (await redis.ping()) === 'PONG' }),
})
const mongoCheck = (db: ReturnType<typeof connectMongo>['db'], role: ApiRole): Check => ({
  name: 'mongodb',
  vital: vitalTo(role, 'mongodb'),
  check: async () => ({ ok: (await db.command({ ping: 1 })).ok === 1 }),
})
