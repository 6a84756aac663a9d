import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { redis } from '../../src/embedded/server-kinds.ts'
import { demote, promote, retire } from '../../src/events/hotspots.ts'
import { until } from '../deployment.ts'
import type { Child } from './child.ts'
import { type Call, type Client, type Try, createClient } from './client.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type OwnServer, createOwnServer } from './own-server.ts'
import { type Place, backlog, createPlace } from './place.ts'
import { summary } from './summary.ts'

let dir: string
let server: OwnServer
let place: Place
let client: Client
let consumer: Child
let tries: (Try & { startedMs: number })[]
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ovation-full-'))
  server = await createOwnServer(redis, dir)
  await server.start()
  place = await createPlace({ redisUrl: server.url })
  tries = []
  client = createClient(place.url, (tried) => void tries.push({ ...tried, startedMs: performance.now() - tried.tookMs }))
  consumer = place.startConsumer('a')
  await place.startApi()
  // Of somebody else, and so large that a moment's load is no percent of it.
  await place.redis.setrange('foreign', 32 * 2 ** 20, 'x')
})
afterEach(async () => {
  await place.close()
  await server.stop()
  await rm(dir, { recursive: true, force: true })
})

const numberIn = (text: string, pattern: RegExp) => Number(pattern.exec(text)?.[1] ?? 0)
const usedBytes = async () => numberIn(await place.redis.info('memory'), /used_memory:(\d+)/)
/** A maxmemory of which this share is used now. */
const bound = async (share: number) => void (await place.redis.config('SET', 'maxmemory', Math.round((await usedBytes()) / share)))
const refusedByRedis = async () => numberIn(await place.redis.info('errorstats'), /errorstat_OOM:count=(\d+)/)
/** `503 overloaded` and the like, of what was asked since. */
const answersSince = (sinceMs: number) =>
  tries
    .filter(({ startedMs }) => startedMs >= sinceMs)
    .map(({ call, answer }) => ({
      call,
      said: answer && answer.status >= 300 ? `${answer.status} ${(answer.body as { code: string }).code}` : `${answer?.status}`,
    }))
const isLike = ({ path }: Call) => path.endsWith('/like')
const isHeard = ({ user = '' }: Call) => user === 'artist' || user === 'moderator'

test('likes, then comments are refused before Redis refuses anything; the artist goes on', { timeout: 120_000 }, async () => {
  const load = startLoad(client)
  await load.reaches(500)
  await bound(0.77)
  await until(async () => answersSince(0).some(({ call, said }) => isLike(call) && said === '503 overloaded'))
  expect(answersSince(0).filter(({ call, said }) => !isLike(call) && said.startsWith('503'))).toEqual([])

  await bound(0.87)
  const post: Call = { method: 'POST', path: '/v1/topics/song:a/comments', user: 'ann', body: { body: 'not now' } }
  // Once it is refused it stays so: a post that is taken would be missed by the comparison below.
  await until(async () => (await (await fetch(`${place.url}/readyz`)).text()).includes('"shed":["comments"'))
  const refused = await client.once(post)
  expect([refused.status, (refused.body as { code: string }).code]).toEqual([503, 'overloaded'])
  expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(5)
  const from = performance.now()
  const artistPosts = () =>
    answersSince(from).filter(({ call, said }) => call.user === 'artist' && call.method === 'POST' && said === '201')
  await until(async () => artistPosts().length >= 20)
  expect(answersSince(0).filter(({ call, said }) => isHeard(call) && said.startsWith('503'))).toEqual([])
  expect((await client.once({ method: 'GET', path: post.path })).status).toBe(200)
  expect(await refusedByRedis()).toBe(0)
  expect(new Set(answersSince(0).flatMap(({ said }) => (said.startsWith('503') ? [said] : [])))).toEqual(new Set(['503 overloaded']))

  await place.redis.config('SET', 'maxmemory', 0)
  const reached = load.acknowledged.writes.length
  await load.reaches(reached + 300)
  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  summary('Redis nearly full', {
    acknowledged: acknowledged.writes.length,
    'refused, overloaded': answersSince(0).filter(({ said }) => said === '503 overloaded').length,
  })
})

test('full: writes are refused, reads go on, what was accepted drains, and it recovers by itself', { timeout: 180_000 }, async () => {
  const load = startLoad(client)
  await load.reaches(300)
  await promote(place.redis, place.keys, 'song:hot')
  await promote(place.redis, place.keys, 'song:a')
  await load.reaches(600)
  consumer.freeze()
  const frozenAt = load.acknowledged.writes.length
  await load.reaches(frozenAt + 500)
  await demote(place.redis, place.keys, 'song:a')
  await load.reaches(frozenAt + 1_200)
  expect(await place.redis.xlen(place.keys.of('song:a').hot('song:a'))).toBeGreaterThan(10)
  await bound(1.02)
  const from = performance.now()
  await until(async () => answersSince(from).filter(({ call, said }) => isHeard(call) && said === '503 unavailable').length > 5)
  await until(async () => answersSince(from).some(({ call, said }) => !isHeard(call) && said === '503 overloaded'))
  expect(answersSince(from).filter(({ said }) => /^20[14]/.test(said))).toEqual([])
  await expect(promote(place.redis, place.keys, 'song:b')).rejects.toThrow(/OOM/)
  expect(await place.redis.hget(place.keys.of('song:b').hotspots, 'song:b')).toBeNull()
  expect(await place.redis.exists(place.keys.of('song:b').hot('song:b'))).toBe(0)
  for (const path of ['/v1/topics/song:hot/comments', '/v1/topics/song:b/comments?sort=oldest', '/v1/counts?topics=song:hot'])
    expect((await client.once({ method: 'GET', path })).status).toBe(200)

  const thawedMs = performance.now()
  consumer.thaw()
  let left = ''
  await until(async () => (left = await backlog(place)) === '').catch((cause: unknown) => {
    throw new Error(`not drained while full: ${left}`, { cause })
  })
  const drainedMs = performance.now() - thawedMs
  expect(await place.redis.get('another')).toBeNull()
  await expect(place.redis.set('another', 'x')).rejects.toThrow(/OOM/) // it still was full
  await retire(place.redis, place.keys, 'song:a') // unless the controller was faster
  expect(await place.redis.exists(place.keys.of('song:a').hot('song:a'))).toBe(0)

  const fullWrites = load.acknowledged.writes.length
  const freedMs = performance.now()
  await place.redis.del('foreign')
  await load.reaches(fullWrites + 1)
  const takenMs = performance.now() - freedMs
  await promote(place.redis, place.keys, 'song:b')
  await load.reaches(fullWrites + 500)
  const acknowledged = await load.stop()
  await everythingExact(place, acknowledged)
  summary('Redis full', { backlog: 1_200, 'drained while full after, ms': drainedMs, 'first write after memory was freed, ms': takenMs })
})
