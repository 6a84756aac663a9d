import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mongod } from '../../src/embedded/server-kinds.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type OwnServer, createOwnServer } from './own-server.ts'
import { type Place, createPlace } from './place.ts'
import { summary } from './summary.ts'

let dir: string
let mongo: OwnServer
let place: Place
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ovation-mongod-'))
  mongo = await createOwnServer(mongod, dir)
  await mongo.start()
  place = await createPlace({ mongodbUrl: mongo.url })
  place.startConsumer('a')
  await place.startApi()
})
afterEach(async () => {
  await place.close()
  await mongo.stop()
  await rm(dir, { recursive: true, force: true })
})

const topics = ['song:a', 'song:b']

/** Reads first pages, one after the other, until it is told to stop. */
function startReading() {
  const seen = { reads: 0, degraded: 0, failed: [] as string[], longestMs: 0 }
  const stopping = new AbortController()
  const reading = (async () => {
    while (!stopping.signal.aborted) {
      const topic = topics[seen.reads % topics.length]!
      const sort = seen.reads % 2 === 0 ? 'newest' : 'oldest'
      const { status, body, text, tookMs } = await place.client.once({ method: 'GET', path: `/v1/topics/${topic}/comments?sort=${sort}` })
      seen.reads += 1
      if (status !== 200) seen.failed.push(`${status} ${text}`)
      else if ((body as { degraded: string[] }).degraded.length > 0) seen.degraded += 1
      seen.longestMs = Math.max(seen.longestMs, tookMs)
      await delay(20)
    }
  })()
  return async () => {
    stopping.abort()
    await reading
    return seen
  }
}

const faults = [
  { fault: 'killed', away: 'SIGKILL' as const, awayMs: 20_000 },
  { fault: 'frozen', away: 'SIGSTOP' as const, awayMs: 12_000 },
]
test.for(faults)(
  'mongod $fault: writes are taken throughout, reads go on, everything catches up',
  { timeout: 120_000 },
  async ({ fault, away, awayMs }) => {
    // Above the feed's size, so that lists have a part that only MongoDB knows.
    const load = startLoad(place.client, { topics })
    await load.reaches(1_500)
    const stopReading = startReading()
    const before = place.client.stats.calls
    place.client.stats.longestMs = {}
    await mongo.signal(away)
    await delay(awayMs)
    const during = { ...place.client.stats, longestMs: { ...place.client.stats.longestMs } }
    const seen = await stopReading()
    if (away === 'SIGKILL') await mongo.start()
    else await mongo.signal('SIGCONT')
    const backMs = performance.now()
    const acknowledged = await load.stop()
    await place.caughtUp()
    const caughtUpMs = performance.now() - backMs
    await everythingExact(place, acknowledged)
    expect(during.repeats).toBe(0) // every write was acknowledged at the first try
    expect(Math.max(...Object.values(during.longestMs))).toBeLessThan(2_500)
    expect(seen.failed).toEqual([])
    expect(seen.longestMs).toBeLessThan(2_500)
    summary(`mongod ${fault}`, {
      'away, ms': awayMs,
      'writes acknowledged meanwhile': during.calls - before,
      'longest wait of a post, ms': during.longestMs['POST']!,
      'of an edit, ms': during.longestMs['PATCH']!,
      'of the others, ms': Math.max(during.longestMs['PUT']!, during.longestMs['DELETE']!),
      reads: seen.reads,
      degraded: seen.degraded,
      'longest wait of a read, ms': seen.longestMs,
      'caught up after, ms': caughtUpMs,
    })
  },
)
