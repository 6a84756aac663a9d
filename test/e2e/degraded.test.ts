import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Commands, commandsOn } from '../commands.ts'
import { until } from '../deployment.ts'
import { type Api, type E2e, createE2e } from './api.ts'
import { type Gate, createGate } from './gate.ts'

/** What a deep read may take while MongoDB is away: its bound of a second, and a little on a busy machine. */
const deepMs = 1_500
const topic = 'song:famous'
const list = `/v1/topics/${topic}/comments`
let e2e: E2e
let api: Api
let people: Commands
let redis: Gate
let mongo: Gate
let newest: string
let oldest: string
let reply: string
let deepCursor: string

beforeAll(async () => {
  e2e = await createE2e()
  people = commandsOn(e2e.append)
  ;[redis, mongo] = await Promise.all([createGate(e2e.redisUrl), createGate(e2e.mongodbUrl)])
  api = await e2e.start({ redisUrl: redis.url, mongodbUrl: mongo.url })
  await e2e.consume()
  oldest = await people.posted(topic, 'ann', { body: 'the oldest' })
  for (let n = 0; n < 6; n++) await Promise.all(Array.from({ length: 50 }, () => people.posted(topic, 'ann')))
  newest = await people.posted(topic, 'ann', { body: 'the newest' })
  reply = await people.posted(topic, 'bob', { parentId: newest, body: 'a reply' })
  await people.like(topic, 'bob', oldest)
  await people.like(topic, 'bob', newest)
  await people.pin(topic, newest)
  await e2e.caughtUp()
  await until(async () => (await e2e.collections.comments.findOne({ topic, commentId: newest }))?.replies?.n === 1)
  await until(async () => (await e2e.collections.comments.findOne({ topic, commentId: oldest }))?.likes?.n === 1)
  for (let page = 0, cursor = ''; page < 3; page++) {
    cursor = (await api.call('GET', `${list}?limit=100${cursor && `&cursor=${cursor}`}`)).body.nextCursor
    deepCursor = cursor
  }
})
afterEach(async () => {
  await Promise.all([redis.open(), mongo.open()])
  await until(async () => (await api.call('GET', `${list}?limit=100&cursor=${deepCursor}`)).body.degraded.length === 0)
  await until(async () => (await fetch(`${api.url}/readyz`)).status === 200)
})
afterAll(async () => {
  await e2e.close()
  await Promise.all([redis.close(), mongo.close()])
})

async function timed(path: string, as?: string) {
  const begin = performance.now()
  const answer = await api.call('GET', path, as ? { as } : {})
  return { ...answer, tookMs: performance.now() - begin }
}

/** Looked up once a second, so it may still be said of what has just caught up. */
const withoutBacklog = ({ degraded }: { degraded: string[] }) => degraded.filter((part) => part !== 'backlog')

const outage = (gate: () => Gate, how: string) => (how === 'hangs' ? Promise.resolve(gate().hang()) : gate().shut())

describe.each(['is gone', 'hangs'])('while Redis %s', (how) => {
  const away = () => outage(() => redis, how)

  test('lists come from MongoDB and say what they lack', async () => {
    await away()
    const { status, body, tookMs } = await timed(`${list}?limit=2`)
    expect([status, withoutBacklog(body)]).toEqual([200, ['recent', 'counts', 'pinned']])
    expect(body.items[0]).toMatchObject({ id: newest, body: 'the newest', likes: 1, replies: 1, firstReplies: [{ id: reply }] })
    expect(body.nextCursor).toBeTruthy()
    expect(tookMs).toBeLessThan(2 * deepMs)
    expect((await timed(`${list}/${newest}/replies`)).body.items).toMatchObject([{ id: reply }])
  })

  test('a permalink and the viewer come from MongoDB, counts are null', async () => {
    await away()
    const { status, body } = await timed(`${list}/${oldest}`)
    expect([status, body.comment.body, body.degraded]).toEqual([200, 'the oldest', ['counts']])
    const viewer = await timed(`/v1/topics/${topic}/viewer?comments=${oldest}`, 'bob')
    expect(viewer.body).toEqual({ liked: [oldest], fresh: [], degraded: [] })
    const counts = await timed(`/v1/counts?topics=${topic},song:other`)
    expect([counts.status, counts.body]).toEqual([200, { counts: { [topic]: null, 'song:other': null } }])
  })

  test('a write token is honoured later: the answer says that it could not be', async () => {
    const { writeToken } = (await api.call('POST', '/v1/topics/song:other/comments', { as: 'ann', body: { body: 'x' } })).body
    await e2e.caughtUp()
    await away()
    expect((await timed(`/v1/topics/song:other/comments?after=${writeToken}`)).body.degraded).toContain('after')
    expect((await timed(`/v1/topics/song:other/viewer?after=${writeToken}`, 'ann')).body.degraded).toEqual(['after'])
  })

  test('a write is refused with 503 and Retry-After, within three seconds', async () => {
    await away()
    const begin = performance.now()
    const { status, headers, body } = await api.call('POST', '/v1/topics/song:other/comments', { as: 'ann', body: { body: 'lost?' } })
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
    expect(performance.now() - begin).toBeLessThan(3_000)
  })

  test('readyz names it', async () => {
    await away()
    const response = await fetch(`${api.url}/readyz`)
    expect(response.status).toBe(200) // what is left is served
    expect(await response.json()).toMatchObject({ ok: true, degraded: ['redis'], checks: { redis: { ok: false }, mongodb: { ok: true } } })
    expect((await fetch(`${api.url}/healthz`)).status).toBe(200)
  })
})

describe.each(['is gone', 'hangs'])('while MongoDB %s', (how) => {
  const away = () => outage(() => mongo, how)

  test('first pages come from the feed, whole', async () => {
    await away()
    const { status, body, tookMs } = await timed(list)
    expect([status, body.degraded, body.items[0].id, body.items.length]).toEqual([200, [], newest, 21])
    expect(tookMs).toBeLessThan(deepMs)
  })

  test('a page that only MongoDB has is refused with 503 and Retry-After, within its bound', async () => {
    await away()
    const paths = [`${list}?limit=100&cursor=${deepCursor}`, `${list}/${oldest}`]
    for (const path of paths) {
      const { status, headers, body, tookMs } = await timed(path)
      expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
      expect(tookMs).toBeLessThan(deepMs)
    }
  })

  test('the oldest are missing and said so; following pages are refused rather than skipped', async () => {
    const { nextCursor } = (await timed(`${list}?sort=oldest&limit=1`)).body
    await away()
    const first = await timed(`${list}?sort=oldest&limit=5`)
    expect([first.status, withoutBacklog(first.body)]).toEqual([200, ['older']])
    expect((await timed(`${list}?sort=oldest&limit=5&cursor=${nextCursor}`)).status).toBe(503)
  })

  test('writes are taken, counts are told, readyz names it', async () => {
    await away()
    const posted = await api.call('POST', list, { as: 'ann', body: { body: 'taken' } })
    expect(posted.status).toBe(201)
    expect((await api.call('PUT', `${list}/${newest}/like`, { as: 'cid' })).status).toBe(204)
    await e2e.caughtUp()
    expect((await api.call('PATCH', `${list}/${posted.body.id}`, { as: 'ann', body: { body: 'edited' } })).body.body).toBe('edited')
    expect((await timed(`/v1/counts?topics=${topic}`)).body.counts[topic].total).toBeGreaterThan(300)
    expect((await api.call('DELETE', `${list}/${posted.body.id}`, { as: 'ann' })).status).toBe(204)
    await e2e.caughtUp()
    const response = await fetch(`${api.url}/readyz`)
    expect(response.status).toBe(200) // what is left is served
    expect(await response.json()).toMatchObject({
      ok: true,
      degraded: ['mongodb'],
      checks: { redis: { ok: true }, mongodb: { ok: false } },
    })
  })

  test('a write on a comment that only MongoDB knows is refused with 503', async () => {
    // As retention leaves it: neither in the feed nor in the log.
    for (const lane of ['global', 'priority']) await e2e.redis.xtrim(e2e.keys.of(topic).lane(lane), 'MAXLEN', 0)
    await away()
    const { status, body } = await api.call('PUT', `${list}/${oldest}/like`, { as: 'cid' })
    expect([status, body.code]).toEqual([503, 'unavailable'])
  })
})

test('with both gone every read is a problem with 503, and counts are null', async () => {
  await Promise.all([redis.shut(), mongo.shut()])
  for (const path of [list, `${list}/${newest}`, `${list}/${newest}/replies`, '/v1/topics']) {
    const { status, headers, body } = await timed(path)
    expect([path, status, body.code]).toEqual([path, 503, 'unavailable'])
    expect([headers.get('retry-after'), headers.get('content-type')]).toEqual(['1', 'application/problem+json'])
  }
  expect((await timed(`/v1/counts?topics=${topic}`)).body.counts).toEqual({ [topic]: null })
  expect((await timed(`/v1/topics/${topic}/viewer?comments=${newest}`, 'bob')).body.degraded).toEqual(['liked'])
  const ready = await fetch(`${api.url}/readyz`)
  expect([ready.status, await ready.json()]).toMatchObject([503, { ok: false, degraded: ['redis', 'mongodb'] }])
})

test('an API starts while MongoDB is away and finds it later', async () => {
  await mongo.shut()
  const late = await e2e.start({ mongodbUrl: mongo.url })
  expect((await late.call('GET', list)).status).toBe(200)
  await mongo.open()
  await until(async () => ((await (await fetch(`${late.url}/readyz`)).json()) as { degraded: string[] }).degraded.length === 0)
})
