import { setTimeout as delay } from 'node:timers/promises'
import { consumerInfos } from '../../src/redis/info.ts'
import { until } from '../deployment.ts'
import { type Gate, type Slowness, createGate } from '../e2e/gate.ts'
import { createTally } from './chaos-tally.ts'
import type { Child } from './child.ts'
import { type Client, createClient } from './client.ts'
import { type Acknowledged, allTopics } from './load.ts'
import { type Place, createPlace } from './place.ts'

/** The processes of a deployment, each behind doors, so that any of them can die, be far away or hang for the others. */
export async function createChaosPlace() {
  const place = await createPlace()
  const gates = await Promise.all([
    createGate(place.redisUrl),
    createGate(place.mongodbUrl),
    createGate(place.redisUrl),
    createGate(place.mongodbUrl),
    createGate(place.url),
  ])
  const [redis, mongo, redisOfB, mongoOfB, toApi] = gates
  const tally = createTally()
  const client = createClient(toApi.url, tally.add)
  const shared = { REDIS_URL: redis.url, MONGODB_URL: mongo.url }
  const ofB = { REDIS_URL: redisOfB.url, MONGODB_URL: mongoOfB.url }
  const startA = () => place.startConsumer('a', shared)
  const startB = () => place.startConsumer('b', ofB)
  const startApi = () => place.startApi(shared)
  const running: { api: Child; b: Child } = { api: undefined!, b: undefined! }
  return {
    place,
    tally,
    client,
    running,
    redis: doors([redis, redisOfB]),
    mongo: doors([mongo, mongoOfB]),
    consumerB: doors([redisOfB, mongoOfB]),
    toApi: doors([toApi]),
    startApi: async () => void (running.api = await startApi()),
    startB: () => void (running.b = startB()),
    async start() {
      startA()
      running.b = startB()
      running.api = await startApi()
    },
    async close() {
      await place.close()
      await Promise.all(gates.map((gate) => gate.close()))
    },
  }
}
export type ChaosPlace = Awaited<ReturnType<typeof createChaosPlace>>

/** Several as one. */
function doors(gates: readonly Gate[]) {
  const each = async (act: (gate: Gate) => Promise<void> | void) => {
    for (const gate of gates) await act(gate)
  }
  return {
    shut: () => each((gate) => gate.shut()),
    hang: () => each((gate) => gate.hang()),
    slow: (slowness: Slowness) => each((gate) => gate.slow(slowness)),
    open: () => each((gate) => gate.open()),
    /** Connections that hung never answer again: their machine is lost. */
    replace: () => each((gate) => gate.open({ isLost: true })),
  }
}

/** Reads what people read, until it is told to stop: first pages, totals, permalinks and replies of comments that every model has. */
export function startReaders(client: Client, { lasting }: Acknowledged, readers = 4) {
  const known = lasting.slice(-100)
  const stopping = new AbortController()
  async function read(turn: number): Promise<void> {
    const list = `/v1/topics/${allTopics[turn % allTopics.length]}/comments`
    const { topic, id, rootId } = known[turn % known.length]!
    const at = `/v1/topics/${topic}/comments/${id}`
    const paths = [list, `${list}?sort=oldest`, `/v1/counts?topics=${allTopics.join()}`, at, ...(rootId ? [] : [`${at}/replies`])]
    await client.once({ method: 'GET', path: paths[turn % paths.length]! }).catch(() => {}) // it is in the tally
    await delay(25)
  }
  const running = Promise.all(
    Array.from({ length: readers }, async (_, reader) => {
      for (let turn = reader; !stopping.signal.aborted; turn++) await read(turn)
    }),
  )
  return async () => {
    stopping.abort()
    await running
  }
}

/** Whether what was posted after the first `count` comments is shown, and every first page is whole. */
export async function isShown(client: Client, { lasting }: Acknowledged, count: number): Promise<boolean> {
  const pages = await Promise.all(allTopics.map((topic) => client.once({ method: 'GET', path: `/v1/topics/${topic}/comments?limit=100` })))
  const whole = pages.every(({ status, body }) => status === 200 && (body as { degraded: unknown[] }).degraded.length === 0)
  const shown = new Set(pages.flatMap(({ body }) => (body as { items: { id: string }[] }).items.map(({ id }) => id)))
  return whole && lasting.slice(count).some(({ id }) => shown.has(id))
}

async function isStored({ collections }: Place, { lasting }: Acknowledged, count: number): Promise<boolean> {
  const refs = lasting.slice(count).map(({ ref }) => ref)
  return (await collections.comments.countDocuments({ _id: { $in: refs } })) > 0
}

/** Whether both consumers have asked for events of late. */
async function areAtWork({ redis, keys }: Place): Promise<boolean> {
  const consumers = await consumerInfos(redis, keys.partitions[0]!.lane('global'), 'store')
  const idle = new Map(consumers.map((consumer) => [consumer['name'], Number(consumer['idle'])]))
  return ['a', 'b'].every((name) => (idle.get(name) ?? Infinity) < 3_000)
}

/** Resolves when what is written now is taken, shown and stored, pages are whole, and both consumers work. */
export async function asBefore({ place }: ChaosPlace, acknowledged: Acknowledged): Promise<void> {
  const count = acknowledged.lasting.length
  await until(() => isShown(place.client, acknowledged, count), 30_000)
  await until(() => isStored(place, acknowledged, count), 30_000)
  await until(() => areAtWork(place), 30_000)
}
