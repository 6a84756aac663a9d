import { defaultLimits } from '../src/hotspot-limits.ts'
import { readLag } from '../src/consumers/lag.ts'
import { bodyOf } from './events.ts'
import { type Bench, type Child, load, median, secret, spawnProcess, unbound } from './harness.ts'
import { type Place, openPlace, until } from './log.ts'
import { tokenOf } from './token.ts'

export type System = ReturnType<typeof openPlace> & {
  place: Place
  api: Child
  /** Consumers of the global and the priority lanes. */
  consumers: Child
  /** Consumers of the hot lane. */
  hot: Child
  pids: Record<string, number>
  stop(): Promise<void>
}

/** One API process, and consumers as docker-compose.yml runs them: those of the hot lane in a process of their own. */
export async function startSystem(bench: Bench, name: string): Promise<System> {
  const place = placeOf(bench, name)
  const api = await spawnProcess('api', apiEnv(place))
  const consumers = await spawnProcess('consumers', { ...place, lanes: ['global', 'priority'], hotspots: defaultLimits })
  const hot = await spawnProcess('consumers', { ...place, lanes: ['hot'], hotspots: defaultLimits })
  const opened = openPlace(place)
  return {
    ...opened,
    place,
    api,
    consumers,
    hot,
    pids: { api: api.pid, consumers: consumers.pid, hot: hot.pid, redis: bench.pids.redis, mongod: bench.pids.mongod, bench: process.pid },
    async stop() {
      process.kill(hot.pid, 'SIGCONT') // a run that failed may have left it frozen
      await Promise.all([api.stop(), consumers.stop(), hot.stop(), opened.close()])
    },
  }
}

export const placeOf = ({ redisUrl, mongodbUrl }: Bench, name: string): Place => ({
  redisUrl,
  mongodbUrl: mongodbUrl.replace('/?', `/${name}?`),
  prefix: `${name}:`,
  partitions: 8,
})
export const apiEnv = ({ redisUrl, mongodbUrl, prefix, partitions }: Place) => ({
  REDIS_URL: redisUrl,
  MONGODB_URL: mongodbUrl,
  PORT: '0',
  OPS_PORT: '0',
  JWT_SECRET: secret,
  KEY_PREFIX: prefix,
  PARTITIONS: String(partitions),
  ...unbound,
})

/** Every group has read and acknowledged all there is. */
export function caughtUp({ redis, keys }: Pick<System, 'redis' | 'keys'>): Promise<void> {
  const isSo = async () => (await readLag(redis, keys)).every(({ lagEvents, pending }) => lagEvents === 0 && pending === 0)
  return until('the consumers catch up', isSo, 300_000)
}

export const topicsNamed = (count: number, name: string): string[] => Array.from({ length: count }, (_, i) => `song:${name}-${i}`)

/** Posts a second that the system bears: as many as one generator can send, counted until every consumer has caught up. */
export async function bearable(system: System, { seconds, runs }: { seconds: number; runs: number }): Promise<number> {
  const headers = { 'content-type': 'application/json', authorization: `Bearer ${await tokenOf()}` }
  const requests = topicsNamed(256, 'calibrate').map((topic, i) => ({
    method: 'POST' as const,
    path: `/v1/topics/${topic}/comments`,
    headers,
    body: JSON.stringify({ body: bodyOf(i) }),
  }))
  const rates: number[] = []
  for (let run = 0; run <= runs; run++) {
    const startedMs = performance.now()
    const { requests: accepted, failed } = await load(system.api.line, { requests }, { seconds, connections: 32 })
    if (failed > 0) throw new Error(`${failed} posts were refused`)
    await caughtUp(system)
    rates.push(accepted / ((performance.now() - startedMs) / 1_000))
  }
  return median(rates.slice(1)) // the first one warms up
}
