import type { Logger } from 'pino'
import type { Config } from '../config.ts'
import { openLog } from '../events/open-log.ts'
import { reconcile } from '../events/reconcile.ts'
import { collectionsOf } from '../mongo/collections.ts'
import { connectMongo } from '../mongo/connect.ts'
import { watchAway } from '../redis/away.ts'
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
  const policy = createTopicPolicy(config.allowedTopics)
  const authenticate = createAuthenticate(config)
  const { idempotencyWindowMs } = config
  const readSide = role === 'write' ? undefined : createReadSide({ redis: reading, keys, collections, tokens, metrics, config, log })
  const writeSide =
    role === 'read'
      ? undefined
      : {
          guard: createMongoGuard(coldReads),
          admission: createAdmission({ redis: writing, keys, config, registry: metrics.registry, log }),
        }
  exportGuardMetrics(metrics.registry, {
    ...(readSide ? { queries: readSide.guard } : {}),
    ...(writeSide ? { commands: writeSide.guard } : {}),
  })

  function addCommands(app: App, { guard, admission }: NonNullable<typeof writeSide>): void {
    commands(app, {
      append: openLog({ redis: writing, keys, collections, idempotencyWindowMs, log, guardRead: guard.run, awayMs: watchAway(writing) }),
      tokens,
      reader: readSide?.reader ?? createReader({ redis: reading, keys, collections, guard, isBehind: () => false }),
      authenticate,
      admit: createAdmit(createQuotas(config, keys), admission),
      editWindowMs: config.editWindowMs,
    })
  }

  const close = async () => {
    readSide?.stop()
    writeSide?.admission.stop()
    writing.disconnect()
    reading.disconnect()
    await mongo.close()
  }
  try {
    const fault = await partitionsFault(writing, config.keyPrefix, config.partitions)
    if (fault) throw new Error(fault)
    for (const warning of await durabilityWarnings(writing)) log.warn(warning)
    // Before the first request, so that a new deployment answers as whole; where that fails, the first write or a consumer does it.
    const opening = { redis: writing, events: collections.events, settings: collections.settings, idempotencyWindowMs, log }
    if (role === 'read') writing.disconnect()
    else await Promise.allSettled(keys.partitions.map((partition) => reconcile(opening, partition)))
    const app = createApp({
      config,
      log,
      role,
      metrics,
      checks: [redisCheck(reading, role), mongoCheck(mongo.db, role), ...(writeSide ? [writeSide.admission.check] : []), ...checks],
      allowTopics: policy,
      ...(writeSide ? { commands: (to) => addCommands(to, writeSide) } : {}),
      ...(readSide ? { queries: (to) => queries(to, { ...readSide, authenticate }, policy) } : {}),
      ...(pages ? { pages } : {}),
    })
    const fetch = readSide?.fastPath.inFrontOf(app.fetch) ?? app.fetch
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

/**
 * A writer needs the log; a reader one of the two, whose answers are thinner without the other. So does a process of both roles: taken out for
 * the log it would take the reads along.
 */
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
