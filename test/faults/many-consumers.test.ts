import { randomInt } from 'node:crypto'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openLog } from '../../src/events/open-log.ts'
import { connectRedis } from '../../src/redis/connect.ts'
import { consumerInfos, groupInfos } from '../../src/redis/info.ts'
import { commandsOn } from '../commands.ts'
import { quiet, until } from '../deployment.ts'
import { createGate } from '../e2e/gate.ts'
import { tableOf } from './chaos-tally.ts'
import type { Child } from './child.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, createPlace } from './place.ts'
import { summary } from './summary.ts'

let place: Place
beforeEach(async () => {
  place = await createPlace()
})
afterEach(() => place.close())

const numbers = [1, 2, 3, 4]

test('1 to 4 consumer processes, killed and started under load: exact at every number', { timeout: 180_000 }, async () => {
  await place.startApi()
  let names = 0
  const startOne = () => place.startConsumer(`c${++names}`)
  let load = startLoad(place.client, { writesPerSecond: 120 })
  const { acknowledged } = load
  for (const number of numbers) {
    const consumers = Array.from({ length: number }, startOne)
    for (let kill = 0; kill < 2; kill++) {
      await load.reaches(acknowledged.writes.length + 60 + randomInt(60))
      const victim = randomInt(number)
      await consumers[victim]!.kill()
      consumers[victim] = startOne()
    }
    await load.reaches(acknowledged.writes.length + 60)
    await load.stop()
    await everythingExact(place, acknowledged)
    await Promise.all(consumers.map((consumer) => consumer.stop()))
    load = startLoad(place.client, { writesPerSecond: 120, after: acknowledged })
  }
  await load.stop()
  summary('1 to 4 consumer processes', { kills: 2 * numbers.length, acknowledged: acknowledged.writes.length })
})

/** Entries that `store` has not acknowledged. */
async function unstored(): Promise<number> {
  let count = 0
  for (const { lane } of place.keys.partitions) {
    const stream = lane('global')
    const group = (await groupInfos(place.redis, stream)).find(({ name }) => name === 'store')
    const after = await place.redis.xrange(stream, `(${String(group!['last-delivered-id'])}`, '+', 'COUNT', 1)
    count += Number(group!['pending']) + after.length
  }
  return count
}

/** How much later MongoDB answers. */
const answerMs = 200
/** A process takes 4,000 at a time: 1,000 of each stream. */
const backlogSize = 16_000
/** One and four are measured twice, in turn, and the better of each is taken: the machine is not ours alone. */
const rounds = [...numbers, 1, 4]

async function isReadBy(names: readonly string[]): Promise<boolean> {
  const consumers = await consumerInfos(place.redis, place.keys.partitions[0]!.lane('global'), 'store')
  return names.every((name) => consumers.some((consumer) => consumer['name'] === name))
}

test('more processes of a group empty a backlog sooner where MongoDB answers late', { timeout: 240_000 }, async () => {
  const gate = await createGate(place.mongodbUrl)
  const redis = connectRedis(place.redisUrl, 'request', quiet)
  const append = openLog({ redis, keys: place.keys, collections: place.collections, idempotencyWindowMs: 3_600_000, log: quiet })
  const { posted } = commandsOn(append)
  const rates = new Map<number, number>()
  const post = (count: number) => Promise.all(Array.from({ length: count }, (_, n) => posted(`song:${n % 20}`, 'ann')))
  await post(20)
  for (const [round, number] of rounds.entries()) {
    const names = Array.from({ length: number }, (_, n) => `r${round}-${n}`)
    // Nobody claims what the frozen ones were given, however long the backlog takes to write.
    const args = (name: string) => ['consume', '--name', name, '--groups', 'store', '--claim-after', '240000']
    const env = { MONGODB_URL: gate.url, HOT_WRITES_PER_SECOND: '1000000' } // all of it in the global lane
    const consumers: Child[] = names.map((name) => place.start(args(name), env))
    await until(() => isReadBy(names))
    await until(async () => (await unstored()) === 0)
    for (const consumer of consumers) consumer.freeze()
    for (let n = 0; n < backlogSize; n += 200) await post(200)
    gate.slow({ answerMs })
    const startedMs = performance.now()
    for (const consumer of consumers) consumer.thaw()
    await until(async () => (await unstored()) === 0)
    const rate = Math.round((backlogSize / (performance.now() - startedMs)) * 1_000)
    rates.set(number, Math.max(rate, rates.get(number) ?? 0))
    await gate.open()
    await Promise.all(consumers.map((consumer) => consumer.stop()))
  }
  process.stderr.write(`${tableOf([...rates].map(([processes, rate]) => ({ processes, 'events/s': rate })))}\n`)
  redis.disconnect()
  await gate.close()
  expect(rates.get(4)! / rates.get(1)!).toBeGreaterThan(1.25)
})
