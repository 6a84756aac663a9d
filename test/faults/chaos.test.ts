import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ChaosPlace, asBefore, createChaosPlace, startReaders } from './chaos-place.ts'
import { tableOf } from './chaos-tally.ts'
import { everythingExact } from './exact.ts'
import { type Acknowledged, startLoad } from './load.ts'

/** All rows: no read is refused, but by an API that is away itself; writes are answered in time, by 2xx or by 503 with Retry-After. */
type Fault = {
  what: string
  how: string
  lastsMs?: number
  begin(): Promise<void> | void
  end(): Promise<void> | void
  /** Writes may be refused with 503 and Retry-After. */
  refusesWrites?: boolean
  /** Longest wait for an answer. */
  patienceMs?: number
  /** The API itself is what is away: connections break, or answers wait as long as it is. */
  isApi?: boolean
}

let chaos: ChaosPlace
/** Of all rows. */
let acknowledged: Acknowledged
const table: Record<string, string | number>[] = []

beforeAll(async () => {
  chaos = await createChaosPlace()
  await chaos.start()
  const load = startLoad(chaos.client)
  await load.reaches(400)
  acknowledged = await load.stop()
  await chaos.place.caughtUp()
})
afterAll(async () => {
  process.stderr.write(`\n${tableOf(table)}\n`)
  await chaos.close()
})

const roundTrip = { askMs: 250, answerMs: 250 }
const eachWay = { askMs: 500, answerMs: 500 }
const kill = (name: 'redis' | 'mongod') => process.kill(chaos.place.pids()[name]!, 'SIGKILL')
const signal = (name: 'redis' | 'mongod', to: 'SIGSTOP' | 'SIGCONT') => void process.kill(chaos.place.pids()[name]!, to)

const faults: Fault[] = [
  {
    what: 'Redis',
    how: 'killed',
    async begin() {
      kill('redis')
      await chaos.redis.shut()
    },
    end: () => chaos.redis.open(),
    refusesWrites: true,
  },
  { what: 'Redis', how: '500 ms slower', begin: () => chaos.redis.slow(roundTrip), end: () => chaos.redis.open() },
  {
    what: 'Redis',
    how: '500 ms each way',
    begin: () => chaos.redis.slow(eachWay),
    end: () => chaos.redis.open(),
    patienceMs: 3_500, // an edit: a second for the log, the rest for the comment it answers with
  },
  { what: 'Redis', how: 'black-holed', begin: () => chaos.redis.hang(), end: () => chaos.redis.replace(), refusesWrites: true },
  { what: 'Redis', how: 'frozen', begin: () => signal('redis', 'SIGSTOP'), end: () => signal('redis', 'SIGCONT'), refusesWrites: true },
  {
    what: 'MongoDB',
    how: 'killed',
    async begin() {
      kill('mongod')
      await chaos.mongo.shut()
    },
    end: () => chaos.mongo.open(),
  },
  { what: 'MongoDB', how: '500 ms slower', begin: () => chaos.mongo.slow(roundTrip), end: () => chaos.mongo.open() },
  { what: 'MongoDB', how: 'black-holed', begin: () => chaos.mongo.hang(), end: () => chaos.mongo.replace() },
  { what: 'MongoDB', how: 'frozen', begin: () => signal('mongod', 'SIGSTOP'), end: () => signal('mongod', 'SIGCONT') },
  { what: 'a consumer', how: 'killed', begin: () => chaos.running.b.kill(), end: () => chaos.startB() },
  { what: 'a consumer', how: '500 ms slower', begin: () => chaos.consumerB.slow(roundTrip), end: () => chaos.consumerB.open() },
  { what: 'a consumer', how: 'black-holed', begin: () => chaos.consumerB.hang(), end: () => chaos.consumerB.replace() },
  { what: 'a consumer', how: 'frozen', begin: () => chaos.running.b.freeze(), end: () => void chaos.running.b.thaw() },
  { what: 'the API', how: 'killed', lastsMs: 1_000, begin: () => chaos.running.api.kill(), end: () => chaos.startApi(), isApi: true },
  { what: 'the API', how: '500 ms slower', begin: () => chaos.toApi.slow(roundTrip), end: () => chaos.toApi.open() },
  {
    what: 'the API',
    how: 'frozen',
    lastsMs: 3_000,
    begin: () => chaos.running.api.freeze(),
    end: () => void chaos.running.api.thaw(),
    refusesWrites: true, // what waited for Redis when it fell asleep
    isApi: true,
  },
]

/** What a busy machine may add. */
const busyMs = 500

/** Resolves with how long it took from the end of the fault until all was as before, ms. A fault that began in part is ended too. */
async function suffer({ begin, end }: Fault, lastsMs: number): Promise<number> {
  try {
    await begin()
    await delay(lastsMs)
  } finally {
    await end()
  }
  const endedMs = performance.now()
  await asBefore(chaos, acknowledged)
  return performance.now() - endedMs
}

test.for(faults)('$what $how: answered, and as before without a person', { timeout: 90_000 }, async (fault) => {
  const { what, how, lastsMs = 4_000, refusesWrites = false, patienceMs = 2_500, isApi = false } = fault
  const { client, tally, place } = chaos
  const load = startLoad(client, { writesPerSecond: 50, after: acknowledged })
  const stopReaders = startReaders(client, acknowledged)
  let recoveredMs: number
  try {
    await load.reaches(acknowledged.writes.length + 50)
    tally.clear()
    recoveredMs = await suffer(fault, lastsMs)
  } finally {
    await stopReaders()
    await load.stop()
  }
  await place.caughtUp()
  const { counts, unexpected } = tally
  const { reads, writes } = counts
  table.push({
    fault: `${what} ${how}`,
    'lasts, ms': lastsMs,
    'writes 2xx': writes['2xx'],
    'writes 5xx': writes['5xx'],
    'writes broken': writes.broken,
    'longest write, ms': Math.round(writes.longestMs),
    'reads 2xx': reads['2xx'],
    'of them degraded': reads.degraded,
    'reads 5xx': reads['5xx'],
    'reads broken': reads.broken,
    'longest read, ms': Math.round(reads.longestMs),
    'as before after, ms': Math.round(recoveredMs),
  })
  expect(unexpected.slice(0, 5)).toEqual([])
  if (!refusesWrites) expect(writes['5xx']).toBe(0)
  await everythingExact(place, acknowledged)
  if (isApi) return
  expect(reads['5xx']).toBe(0)
  expect([reads.broken, writes.broken]).toEqual([0, 0])
  expect(writes.longestMs).toBeLessThan(patienceMs + busyMs)
  expect(reads.longestMs).toBeLessThan(patienceMs + busyMs)
})
