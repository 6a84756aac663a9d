import { MongoClient } from 'mongodb'
import { createClient } from './client.ts'
import { createConversations, eventsOfAConversation } from './conversation.ts'
import { type Old, type Stores, pageAt, writeOld } from './deep-topic.ts'
import { type Bench, type Row, coresUsed, cpuUs, median, percentile, rowAtMost, spawnProcess } from './harness.ts'
import { inParallel, openPlace, until } from './log.ts'
import { apiEnv, caughtUp, placeOf } from './system.ts'
import { realTexts } from './texts.ts'
import { collectionsOf, ensureIndexes } from '../src/mongo/collections.ts'
import { feedCap } from '../src/projections/feed.ts'

const pageSize = 20
/** Where a page may begin, roots away from where it would: no two reads of a page are the same request. */
const jitter = pageSize

type Kind = { name: string; topic: string; old: Old; page: number }

/**
 * A topic of 1,000,000 comments from MongoDB, by cursor: the 1st and 500th page below the feed over the same pages of a small topic, the 5,000th over the
 * 1st. The kinds take turns request by request, one under way at a time: about half of two cores.
 */
export async function deepList(bench: Bench): Promise<Row[]> {
  const size = bench.isShort
    ? { comments: 30_000, small: 3_000, middle: 50, deep: 1_000, rounds: 2, samples: 100 }
    : { comments: 1_000_000, small: 15_000, middle: 500, deep: 5_000, rounds: 7, samples: 5_000 }
  const place = placeOf(bench, 'deep-list')
  const opened = openPlace(place)
  try {
    const mongo = new MongoClient(place.mongodbUrl) // without the product's timeouts: the index of a million takes a while
    const stores = { ...opened, collections: collectionsOf(mongo.db()) }
    const large = await fill(bench, stores, 'song:large', size.comments)
    const small = await fill(bench, stores, 'song:small', size.small)
    await ensureIndexes(stores.collections)
    await mongo.close()
    bench.say('written and indexed')
    const consumers = await spawnProcess('consumers', place)
    // The newest go the whole way, so that the feed has its floor, MongoDB the rest, and every group has acknowledged.
    for (const topic of ['song:large', 'song:small'])
      await inParallel(feedCap / eventsOfAConversation + 1, 1, createConversations(opened.append, topic, realTexts()))
    await caughtUp(opened)
    await consumers.stop()
    const kinds: Kind[] = [
      { name: 'large, first', topic: 'song:large', old: large, page: 1 },
      { name: 'small, first', topic: 'song:small', old: small, page: 1 },
      { name: 'large, middle', topic: 'song:large', old: large, page: size.middle },
      { name: 'small, middle', topic: 'song:small', old: small, page: size.middle },
      { name: 'large, deep', topic: 'song:large', old: large, page: size.deep },
    ]
    const api = await spawnProcess('api', { ...apiEnv(place), role: 'read' })
    try {
      return await measure(bench, { url: api.line, pid: api.pid, finds: () => findsOf(opened.mongo.db) }, kinds, size)
    } finally {
      await api.stop()
    }
  } finally {
    await opened.close()
  }
}

async function fill(bench: Bench, stores: Stores, topic: string, comments: number): Promise<Old> {
  const startedMs = performance.now()
  const old = await writeOld(stores, { topic, comments }, (done) => {
    if (done % 100_000 === 0)
      bench.say(`${topic}: ${done.toLocaleString('en')} comments, ${Math.round((performance.now() - startedMs) / 1_000)} s`)
  })
  return old
}

/** Finds that mongod has run: what says that the pages came from there. */
const findsOf = async (db: ReturnType<typeof openPlace>['mongo']['db']): Promise<number> =>
  ((await db.admin().serverStatus())['opcounters'] as { query: number }).query

type Server = { url: string; pid: number; finds(): Promise<number> }
type Size = { comments: number; rounds: number; samples: number; middle: number; deep: number }

async function measure(
  bench: Bench,
  { url, pid, finds }: Server,
  kinds: readonly Kind[],
  { comments, rounds, samples, middle, deep }: Size,
): Promise<Row[]> {
  const client = createClient(url, 1)
  let requests = 0
  let thin = 0
  async function timed({ topic, old, page }: Kind, isChecked = false): Promise<number> {
    const first = (page - 1) * pageSize + Math.floor(Math.random() * jitter)
    const { cursor, rootIds } = pageAt(old, first, pageSize, (requests += 1))
    const startedMs = performance.now()
    const { text } = await client.get(`/v1/topics/${topic}/comments?cursor=${cursor}`)
    const tookMs = performance.now() - startedMs
    if (isChecked && isThin(text, rootIds)) thin += 1
    return tookMs
  }
  // An API process that has just begun does not know yet that MongoDB lacks nothing, and says so.
  await until('the pages are whole', async () => {
    thin = 0
    for (const kind of kinds) await timed(kind, true)
    return thin === 0
  })
  for (let i = 0; i < 200; i++) for (const kind of kinds) await timed(kind)

  const [before, askedBefore] = [await finds(), requests]
  const cores = coresUsed({ api: pid, mongod: bench.pids.mongod, redis: bench.pids.redis, generator: process.pid })
  const [apiUs, mongodUs] = [cpuUs(pid), cpuUs(bench.pids.mongod)]
  const times: { p50: number; p99: number }[][] = kinds.map(() => [])
  for (let round = 0; round < rounds; round++) {
    const ms: number[][] = kinds.map(() => [])
    for (let i = 0; i < samples; i++) for (const [k, kind] of kinds.entries()) ms[k]!.push(await timed(kind, i % 100 === 0))
    for (const [k, list] of ms.entries()) times[k]!.push({ p50: percentile(list, 50), p99: percentile(list, 99) })
    bench.say(`round ${round + 1} of ${rounds}: ${kinds.map(({ name }, k) => `${name} ${times[k]!.at(-1)!.p50.toFixed(2)} ms`).join(', ')}`)
  }
  client.close()
  const asked = requests - askedBefore
  if ((await finds()) - before < asked) throw new Error('pages were answered without MongoDB')
  const each = (us: number) => Math.round(us / asked)
  if (thin > 0) bench.say(`${thin} of ${Math.ceil(asked / 100)} pages looked into lacked something`)
  const cost = `CPU a page: API ${each(cpuUs(pid) - apiUs)}, mongod ${each(cpuUs(bench.pids.mongod) - mongodUs)} µs; ${cores()}`

  const rows = (question: string, a: number, b: number, note: string) =>
    (['p50', 'p99'] as const).map((p) => {
      const [ours, floor] = [times[a]!.map((time) => time[p]), times[b]!.map((time) => time[p])]
      return rowAtMost(
        `${question}, ${p}`,
        { ours: median(ours), floor: median(floor), ratios: ours.map((ms, i) => ms / floor[i]!) },
        1.2,
        note,
      )
    })
  const topic = `${comments.toLocaleString('en')} comments`
  return [
    ...rows(`${topic}, 1st page`, 0, 1, cost),
    ...rows(`${topic}, ${middle}th page`, 2, 3, 'over the same pages of the small topic'),
    ...rows(`${topic}, ${deep.toLocaleString('en')}th over 1st page`, 4, 0, ''),
  ]
}

/** Whether the page says that it lacks something. Throws where it is another page. */
function isThin(text: string, rootIds: readonly string[]): boolean {
  const { items, degraded } = JSON.parse(text) as { items: { id: string; firstReplies: unknown[] }[]; degraded: string[] }
  const isRight =
    items.length === rootIds.length && items.every(({ id }, i) => id === rootIds[i]) && items.some((item) => item.firstReplies.length > 0)
  if (!isRight) throw new Error(`not the page asked for: ${items.length} roots, lacking ${degraded.join(', ') || 'nothing'}`)
  return degraded.length > 0
}
