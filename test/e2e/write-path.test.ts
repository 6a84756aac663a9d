import type { Redis } from 'ioredis'
import { MongoClient } from 'mongodb'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { positionOfComment } from '../../src/events/position.ts'
import { connectRedis } from '../../src/redis/connect.ts'
import { quiet, until } from '../deployment.ts'
import { type PrivateRedis, startPrivateRedis } from '../private-redis.ts'
import { type E2e, createE2e } from './api.ts'

const topic = 'song:wire'
const comments = `/v1/topics/${topic}/comments`
const star = { sub: 'star', role: 'artist', topics: ['song:*'] }
type Sent = { source: string; name: string; args: string[] }

let server: PrivateRedis
let e2e: E2e
let spy: Redis
let monitor: Redis
let mongo: MongoClient
const sent: Sent[] = []
/** The API's connections by what they are for. */
const ports: Record<'request' | 'read', string> = { request: '', read: '' }

beforeAll(async () => {
  server = await startPrivateRedis()
  e2e = await createE2e({}, { redisUrl: server.url })
  const clients = String(await e2e.redis.client('LIST'))
  for (const purpose of ['request', 'read'] as const)
    // The deployment's own connection is older than the API's.
    ports[purpose] = [...clients.matchAll(new RegExp(`addr=(\\S+) .*name=ovation-${purpose}\\b`, 'g'))].at(-1)![1]!
  spy = connectRedis(server.url, 'consumer', quiet)
  monitor = await spy.monitor()
  monitor.on('monitor', (_: string, [name, ...args]: string[], source: string) => sent.push({ source, name: name!.toLowerCase(), args }))
  mongo = await MongoClient.connect(e2e.mongodbUrl)
  await mongo.db().command({ profile: 2 })
  // The first write of a process learns the partition's term, the first read brings its script.
  await e2e.call('POST', comments, { as: 'ann', body: { body: 'warm up' } })
  await e2e.call('GET', comments)
})
afterAll(async () => {
  monitor.disconnect()
  spy.disconnect()
  await mongo.db().command({ profile: 0 })
  await mongo.close()
  await e2e.close()
  await server.stop()
})

/** What a call costs: commands on the API's connections to Redis, reads of MongoDB. */
async function costOf<T>(act: () => Promise<T>) {
  const mark = async () => {
    const known = sent.length
    await e2e.redis.echo('mark')
    await until(async () => sent.slice(known).some(({ name }) => name === 'echo'))
    return sent.length
  }
  const from = await mark()
  const since = new Date()
  const answer = await act()
  const wire = sent.slice(from, await mark())
  const on = (purpose: 'request' | 'read') =>
    wire.filter((command) => command.source === ports[purpose] && !isLookout(command)).map(({ name }) => name)
  const reads = await mongo
    .db()
    .collection('system.profile')
    .countDocuments({ appName: 'ovation-read', op: 'query', ts: { $gte: since } })
  return { answer, write: on('request'), read: on('read'), mongo: reads }
}
/** The API looks how far the store is, how full Redis is and which topics are hot, whatever is asked of it. */
function isLookout({ name, args: [key = '', second = ''] }: Sent): boolean {
  if (['info', 'xinfo', 'xpending'].includes(name)) return true
  if (name === 'hkeys' || name === 'hgetall') return key.endsWith(':hotspots')
  if (name === 'hget') return second.startsWith('seq:')
  return name === 'xrange' && second.startsWith('(') // an event is looked up by its own id
}

const call = (method: string, path: string, as: string | typeof star, body?: unknown, headers?: Record<string, string>) => () =>
  e2e.call(method, path, { as, ...(body ? { body } : {}), ...(headers ? { headers } : {}) })

test('a post, a keyed post and its repeat, and a reply cost one script each and nothing else', async () => {
  const post = await costOf(call('POST', comments, 'ann', { body: 'one' }))
  expect(post).toMatchObject({ answer: { status: 201 }, write: ['evalsha'], read: [], mongo: 0 })
  const { id } = post.answer.body
  const rest = [
    call('POST', comments, 'ann', { body: 'two' }, { 'idempotency-key': 'k' }),
    call('POST', comments, 'ann', { body: 'two' }, { 'idempotency-key': 'k' }),
    call('POST', comments, 'bob', { body: 'a reply', parentId: id }),
    call('POST', comments, star, { body: 'a reply of the artist', parentId: id }),
  ]
  for (const act of rest) expect(await costOf(act)).toMatchObject({ answer: { status: 201 }, write: ['evalsha'], read: [], mongo: 0 })
})

test('likes, pins, reports, visibility and deletions of a recent comment cost one script each', async () => {
  const { id } = (await call('POST', comments, 'ann', { body: 'recent' })()).body
  const mod = { ...star, sub: 'mod', role: 'moderator' }
  const acts = [
    call('PUT', `${comments}/${id}/like`, 'bob'),
    call('DELETE', `${comments}/${id}/like`, 'bob'),
    call('PUT', `${comments}/${id}/pin`, star),
    call('DELETE', `${comments}/${id}/pin`, star),
    call('POST', `${comments}/${id}/reports`, 'bob', { reason: 'x' }),
    call('PUT', `${comments}/${id}/visibility`, mod, { state: 'hidden', reason: 'x' }),
    call('DELETE', `${comments}/${id}`, 'ann'),
  ]
  for (const act of acts) {
    const { answer, ...cost } = await costOf(act)
    expect(answer.status).toBeLessThan(300)
    expect(cost).toEqual({ write: ['evalsha'], read: [], mongo: 0 })
  }
})

test('an edit costs one script; its answer, with numbers and replies, is read after it', async () => {
  const consumers = await e2e.consume()
  const { id } = (await call('POST', comments, 'ann', { body: 'before' })()).body
  await e2e.caughtUp()
  await consumers.stop()
  const { answer, ...cost } = await costOf(call('PATCH', `${comments}/${id}`, 'ann', { body: 'after' }))
  expect(answer.status).toBe(200)
  expect(cost).toEqual({ write: ['evalsha'], read: ['evalsha'], mongo: 0 })
})

test('a refusal costs one script as well', async () => {
  const { id } = (await call('POST', comments, 'ann', { body: 'mine' })()).body
  const { answer, ...cost } = await costOf(call('PATCH', `${comments}/${id}`, 'bob', { body: 'theirs' }))
  expect(answer.status).toBe(403)
  expect(cost).toEqual({ write: ['evalsha'], read: [], mongo: 0 })
})

test('a command on a comment that only MongoDB knows costs one read of it and one script more', async () => {
  const consumers = await e2e.consume()
  const { id } = (await call('POST', comments, 'ann', { body: 'old' })()).body
  await e2e.caughtUp()
  await consumers.stop()
  const keys = e2e.keys.of(topic)
  for (const lane of ['global', 'priority']) await e2e.redis.xtrim(keys.lane(lane), 'MAXLEN', 0)
  await e2e.redis.hdel(keys.feed(topic), positionOfComment(id)!)
  for (const act of [call('PUT', `${comments}/${id}/like`, 'bob'), call('POST', comments, 'bob', { body: 'late', parentId: id })]) {
    const { answer, ...cost } = await costOf(act)
    expect(answer.status).toBeLessThan(300)
    expect(cost).toEqual({ write: ['evalsha', 'evalsha'], read: [], mongo: 1 })
  }
})
