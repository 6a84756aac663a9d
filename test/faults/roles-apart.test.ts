import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { type Client, type Try, createClient } from './client.ts'
import { everythingExact } from './exact.ts'
import { type Acknowledged, startLoad } from './load.ts'
import { type Proxy, hasProxy, startProxy } from './proxy.ts'
import { type Sides, createRecordingClient, createSides, p99, readPages, statuses } from './sides.ts'
import { summary } from './summary.ts'

let sides: Sides
/** All loads go on from one another, so that everything can be compared. */
let acknowledged: Acknowledged | undefined
beforeAll(async () => {
  sides = await createSides()
})
afterAll(() => sides.close())

/** A side that waited for the other would wait for seconds; below 250 ms is the noise of a machine that others use too. */
const sameAs = (beforeMs: number) => Math.max(250, 3 * beforeMs)
const samples = 400

/** Runs `act` while writers write, then compares every model with what was acknowledged. */
async function underLoad(url: string, act: (writes: ReturnType<typeof createRecordingClient>) => Promise<Record<string, number | string>>) {
  const writes = createRecordingClient(url)
  const load = startLoad(writes.client, acknowledged ? { after: acknowledged } : {})
  await load.reaches((acknowledged?.writes.length ?? 0) + 200)
  let figures
  try {
    figures = await act(writes)
  } finally {
    sides.thaw('read')
    sides.thaw('write')
    acknowledged = await load.stop()
  }
  await everythingExact(sides.place, acknowledged)
  return { ...figures, acknowledged: acknowledged.writes.length }
}

/** Resolves when writes are accepted again. */
const accepted = (writes: ReturnType<typeof createRecordingClient>) =>
  until(async () => (await writes.next(20)).every(({ answer }) => (answer?.status ?? 0) < 300 && answer))

async function readsWhile(client: Client, fault: () => void | Promise<void>) {
  const beforeMs = p99(await readPages(client, samples))
  await fault()
  const during = await readPages(client, samples)
  expect(statuses(during)).toEqual([200])
  expect(p99(during)).toBeLessThan(sameAs(beforeMs))
  return { 'read p99 before, ms': beforeMs, 'during, ms': p99(during) }
}

async function writesWhile(writes: ReturnType<typeof createRecordingClient>, fault: () => void | Promise<void>) {
  const beforeMs = p99(await writes.next(samples))
  await fault()
  const during = await writes.next(samples)
  expect(statuses(during).filter((status) => status < 200 || status >= 300)).toEqual([])
  expect(p99(during)).toBeLessThan(sameAs(beforeMs))
  return { 'write p99 before, ms': beforeMs, 'during, ms': p99(during) }
}

describe('where the client chooses the port by method', () => {
  test('reads are untouched while the write side stands still; then its writes are there once', { timeout: 120_000 }, async () => {
    const reader = createClient(sides.urls.read)
    const figures = await underLoad(sides.urls.write, async (writes) => {
      const reads = await readsWhile(reader, () => sides.freeze('write'))
      sides.thaw('write')
      await accepted(writes)
      return reads
    })
    summary('write side stopped, two ports', figures)
  })

  test('writes are untouched while the read side stands still', { timeout: 120_000 }, async () => {
    const figures = await underLoad(sides.urls.write, (writes) => writesWhile(writes, () => sides.freeze('read')))
    summary('read side stopped, two ports', figures)
  })
})

describe.skipIf(!hasProxy)('behind the proxy', () => {
  let proxy: Proxy
  beforeAll(async () => {
    proxy = await startProxy(sides.urls)
  })
  afterAll(() => proxy?.stop())

  /** Refused with a problem that says when to come back, and not later than the proxy's patience. */
  function expectRefusals(tries: readonly Try[], patienceMs: number): void {
    const refused = tries.filter(({ answer }) => !answer || answer.status >= 300)
    for (const { answer, tookMs } of refused) {
      expect(answer).toMatchObject({ status: 503, retryAfter: '1', body: { status: 503, code: 'unavailable' } })
      expect(tookMs).toBeLessThan(patienceMs + 1_500)
    }
  }

  test.each([
    ['stands still', 6_000, () => sides.freeze('write'), () => sides.thaw('write')],
    ['is killed', 1_000, () => sides.kill('write'), () => sides.start('write')],
  ])(
    'reads are untouched while the write side %s; writes are refused, and there once afterwards',
    { timeout: 120_000 },
    async (name, patienceMs, stop, resume) => {
      const reader = createClient(proxy.url)
      const figures = await underLoad(proxy.url, async (writes) => {
        const reads = await readsWhile(reader, stop)
        const refused = (await writes.next(60)).filter(({ answer }) => answer?.status === 503)
        expect(refused.length).toBeGreaterThan(50)
        expectRefusals(refused, patienceMs)
        await resume()
        await accepted(writes)
        return { ...reads, 'longest refusal, ms': Math.max(...refused.map(({ tookMs }) => tookMs)) }
      })
      summary(`write side ${name}, proxy`, figures)
    },
  )

  test.each([
    ['stands still', () => sides.freeze('read'), () => sides.thaw('read')],
    ['is killed', () => sides.kill('read'), () => sides.start('read')],
  ])('writes are untouched while the read side %s; pages come from the cache', { timeout: 120_000 }, async (name, stop, resume) => {
    const reader = createClient(proxy.url)
    const figures = await underLoad(proxy.url, async (writes) => {
      await readPages(reader, 24) // they are in the cache
      const untouched = await writesWhile(writes, stop)
      const pages = await readPages(reader, samples)
      expect(statuses(pages)).toEqual([200])
      // Who sets off a renewal of a page waits for its end, and in the worst case for one more.
      expect(Math.max(...pages.map(({ tookMs }) => tookMs))).toBeLessThan(2 * 3_000 + 1_500)
      const unknown = await reader.once({ method: 'GET', path: '/v1/topics/song:nobody-asked-before/comments' })
      expectRefusals([{ call: { method: 'GET', path: '' }, answer: unknown, tookMs: unknown.tookMs }], 3_000)
      expect(unknown.status).toBe(503)
      await resume()
      // What was kept was past its time: a hit is a page from after the fault.
      await until(async () => (await fetch(`${proxy.url}/v1/topics/song:a/comments`)).headers.get('x-cache') === 'HIT')
      return { ...untouched, 'read p99, ms': p99(pages), 'longest read, ms': Math.max(...pages.map(({ tookMs }) => tookMs)) }
    })
    summary(`read side ${name}, proxy`, figures)
  })
})
