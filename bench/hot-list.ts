import { promote } from '../src/events/hotspots.ts'
import { createClient } from './client.ts'
import { createConversations } from './conversation.ts'
import { type Bench, type Child, type Row, cpuUs, pairs, peakMb, rowAtLeast, spawnProcess } from './harness.ts'
import { loadGets } from './get-load.ts'
import { inParallel, openPlace, until } from './log.ts'
import { apiEnv, caughtUp, placeOf } from './system.ts'
import { realTexts } from './texts.ts'

const topic = 'song:hot'
const path = `/v1/topics/${topic}/comments`
const roots = 20
const previews = 3

/**
 * List a hot topic: its first page, 20 roots with three replies each in real words, over bare Hono that answers the same bytes. One API process of
 * the role `read`, one generator; the consumers stopped. Then both again while 500 comments a second come to the topic.
 */
export async function hotList(bench: Bench): Promise<Row[]> {
  const [seconds, calm, busy] = bench.isShort ? [1, 2, 2] : [4, 7, 5]
  const place = placeOf(bench, 'hot-list')
  const startConsumers = () => spawnProcess('consumers', place)
  const opened = openPlace(place)
  const { redis, keys, append } = opened
  const running: Child[] = []
  const start = async (child: Promise<Child>) => {
    running.push(await child)
    return running.at(-1)!
  }
  try {
    const consumers = await start(startConsumers())
    await promote(redis, keys, topic)
    await inParallel(80, 1, createConversations(append, topic, realTexts()))
    await caughtUp(opened)
    await consumers.stop()
    const api = await start(spawnProcess('api', { ...apiEnv(place), role: 'read' }))
    const bytes = await fullPage(api.line)
    const bare = await start(spawnProcess('bare-get', { api: api.line, path }))
    const ours = gets(api, seconds)
    const floor = gets(bare, seconds)
    await ours.perSecond()
    await floor.perSecond()

    const result = await pairs(calm, ours.perSecond, floor.perSecond)
    const note = () => {
      const [a, b] = [ours.us(), floor.us()]
      const cpu = `CPU a request: API ${a.server}, bare ${b.server}, generator ${a.generator} and ${b.generator} µs`
      return `${Math.round(bytes / 1024)} kB; ${cpu}; API peak ${Math.round(peakMb(api.pid))} MB`
    }
    const rows = [rowAtLeast('list a hot topic', result, 0.8, note())]

    await start(startConsumers())
    const writing = (calm + 2) * 2 * busy * seconds // s, more than it takes
    await start(spawnProcess('conversations', { ...place, topic, perSecond: 500, seconds: writing }))
    const stream = keys.of(topic).hot(topic)
    const before = await redis.xlen(stream)
    await until('the writer begins', async () => (await redis.xlen(stream)) > before + 500)
    const [startedMs, first] = [performance.now(), await redis.xlen(stream)]
    const beside = await pairs(busy, ours.perSecond, floor.perSecond)
    const writes = ((await redis.xlen(stream)) - first) / ((performance.now() - startedMs) / 1_000)
    const row = rowAtLeast('… while it gets 500 comments/s', beside, 0, `${Math.round(writes)} comments/s; ${note()}`)
    return [...rows, { ...row, target: '', verdict: '' }]
  } finally {
    for (const child of running.toReversed()) await child.stop()
    await opened.close()
  }
}

/** GETs a second, and what each of them cost the process since this was last asked. */
function gets(server: Child, seconds: number) {
  let [requests, us, own] = [0, 0, 0]
  return {
    async perSecond(): Promise<number> {
      const [before, ownBefore] = [cpuUs(server.pid), cpuUs(process.pid)]
      const result = await loadGets(`${server.line}${path}`, { seconds })
      us += cpuUs(server.pid) - before
      own += cpuUs(process.pid) - ownBefore
      requests += result.requests
      return result.perSecond
    },
    us(): { server: number; generator: number } {
      const each = { server: Math.round(us / requests), generator: Math.round(own / requests) }
      requests = us = own = 0
      return each
    },
  }
}

/** Bytes of the page, which must be what the question says. */
async function fullPage(url: string): Promise<number> {
  const client = createClient(url)
  const { text } = await client.get(path)
  client.close()
  const { items, degraded } = JSON.parse(text) as { items: { firstReplies: unknown[] }[]; degraded: string[] }
  if (items.length !== roots || degraded.length > 0 || items.some(({ firstReplies }) => firstReplies.length !== previews))
    throw new Error(`not the page asked for: ${items.length} roots, lacking ${degraded.join(', ') || 'nothing'}`)
  return Buffer.byteLength(text)
}
