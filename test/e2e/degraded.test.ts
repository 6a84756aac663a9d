import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { commentIdAt } from '../../src/events/position.ts'
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
  for (const path of [list, `${list}?limit=100&cursor=${deepCursor}`])
    await until(async () => (await api.call('GET', path)).body.degraded?.length === 0)
  await until(async () => (await api.call('POST', '/v1/topics/song:back/comments', { as: 'ann', body: { body: 'back' } })).status === 201)
  await until(async () => (await fetch(`${api.url}/readyz`)).status === 200)
})
afterAll(async () => {
  await e2e.close()
  await Promise.all([redis.close(), mongo.close()])
})

async function timed(path: string, as?: string, from = api) {
  const begin = performance.now()
  const answer = await from.call('GET', path, as ? { as } : {})
  return { ...answer, tookMs: performance.now() - begin }
}

const posted = (topic: string) => people.posted(topic, 'ann')

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
    expect([status, body.comment.body, body.degraded]).toEqual([200, 'the oldest', ['counts', 'recent']])
    const viewer = await timed(`/v1/topics/${topic}/viewer?comments=${oldest}`, 'bob')
    expect(viewer.body).toEqual({ liked: [oldest], fresh: [], degraded: [] })
    const counts = await timed(`/v1/counts?topics=${topic},song:other`)
    expect([counts.status, counts.body]).toEqual([200, { counts: { [topic]: null, 'song:other': null } }])
  })

  test('whether there is a comment of an id cannot be told where MongoDB has none, at its permalink or among its replies', async () => {
    const unknown = oldest.replace(/-80../, '-8ff0')
    await away()
    for (const path of [`${list}/${unknown}`, `${list}/${unknown}/replies`]) {
      const { status, body } = await timed(path)
      expect([path, status, body.code]).toEqual([path, 503, 'unavailable'])
    }
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

test('while MongoDB hangs, an old comment is read from the log as long as that has it, and says that it may have been edited', async () => {
  const unread = await e2e.start({ redisUrl: redis.url, mongodbUrl: mongo.url })
  await until(async () => (await unread.call('GET', list)).body.degraded.length === 0) // it is connected
  mongo.hang()
  const { status, body, tookMs } = await timed(`${list}/${oldest}`, undefined, unread)
  expect([status, body.comment?.id]).toEqual([200, oldest])
  expect(body.degraded).toEqual(expect.arrayContaining(['older', 'backlog']))
  expect(tookMs).toBeLessThan(deepMs)
})

test('while MongoDB is gone, an old pin that was deleted or hidden does not come back', async () => {
  const topic = 'song:pins-of-old'
  const [kept, deleted, hidden] = [await posted(topic), await posted(topic), await posted(topic)]
  for (const id of [kept, deleted, hidden]) await people.pin(topic, id)
  for (let n = 0; n < 310; n += 31) await Promise.all(Array.from({ length: 31 }, () => posted(topic)))
  await people.remove(topic, 'ann', deleted)
  await people.hide(topic, hidden)
  await e2e.caughtUp()
  await mongo.shut()
  const { items } = (await timed(`/v1/topics/${topic}/comments`)).body as { items: { id: string; pinned: boolean }[] }
  expect(items.flatMap(({ id, pinned }) => (pinned ? [id] : []))).toEqual([kept])
})

describe.each(['is gone', 'hangs'])('while MongoDB %s', (how) => {
  const away = () => outage(() => mongo, how)

  test('first pages come from the feed, whole', async () => {
    await away()
    const { status, body, tookMs } = await timed(list)
    expect([status, body.degraded, body.items[0].id, body.items.length]).toEqual([200, [], newest, 21])
    expect(tookMs).toBeLessThan(deepMs)
  })

  test('a page that only MongoDB has and nobody asked for lately is refused with 503 and Retry-After, within its bound', async () => {
    const unread = await e2e.start({ redisUrl: redis.url, mongodbUrl: mongo.url })
    await away()
    const { status, headers, body, tookMs } = await timed(`${list}?limit=100&cursor=${deepCursor}`, undefined, unread)
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '1'])
    expect(tookMs).toBeLessThan(deepMs)
  })

  test('the oldest are missing and said so; following pages are refused rather than skipped', async () => {
    const { nextCursor } = (await timed(`${list}?sort=oldest&limit=1`)).body
    await away()
    const first = await timed(`${list}?sort=oldest&limit=5`)
    expect([first.status, withoutBacklog(first.body)]).toEqual([200, ['older']])
    expect((await timed(`${list}?sort=oldest&limit=5&cursor=${nextCursor}`)).status).toBe(503)
  })

  test('replies to what the feed has come from the feed, whole', async () => {
    const roots = (await timed(list)).body.items as { id: string; replies: number }[]
    const root = roots.findLast(({ replies }) => replies === 0)!.id
    await away()
    expect((await timed(`${list}/${root}/replies`)).body).toMatchObject({ items: [], nextCursor: null, degraded: [] })
    const answered = await people.posted(topic, 'bob', { parentId: root })
    await e2e.caughtUp()
    await until(async () => (await timed(`${list}/${root}/replies`)).body.items.length === 1)
    expect((await timed(`${list}/${root}/replies`)).body).toMatchObject({ items: [{ id: answered }], degraded: [] })
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

describe('the ladder: each level is reached by what is taken away, said in the body and the header, and left by itself', () => {
  const deep = () => `${list}?limit=99&cursor=${deepCursor}`
  const saidBy = async (path: string, from = api) => {
    const { status, headers, body } = await timed(path, undefined, from)
    const inHeader = headers.get('ovation-degraded')?.split(', ') ?? []
    if (body.degraded) expect(inHeader).toEqual(body.degraded)
    expect(headers.get('cache-control')).toBe(
      inHeader.length > 0
        ? 'public, max-age=0, s-maxage=1, must-revalidate'
        : status === 200
          ? 'public, max-age=0, s-maxage=1, stale-while-revalidate=5, stale-if-error=60'
          : null,
    )
    return { status, body, said: inHeader.filter((part) => part !== 'backlog') }
  }
  const isFullAgain = (path: string) => until(async () => (await saidBy(path)).said.length === 0)

  test('full', async () => {
    for (const path of [list, deep(), `${list}/${oldest}`, `/v1/counts?topics=${topic}`, '/v1/topics'])
      expect([path, await saidBy(path)]).toMatchObject([path, { status: 200, said: [] }])
  })

  test('counts missing: Redis is away, MongoDB’s page is as new', async () => {
    await redis.shut()
    const { status, body, said } = await saidBy(`${list}?limit=7`)
    expect([status, said, body.items[0].body]).toEqual([200, ['recent', 'counts', 'pinned'], 'the newest'])
    await redis.open()
    await isFullAgain(`${list}?limit=7`)
  })

  test('the order missing: Redis is away, the newest stand in for the hottest and go on so', async () => {
    await redis.shut()
    const first = await saidBy(`${list}?sort=hot&limit=3`)
    expect([first.status, first.said, first.body.items[0].id]).toEqual([200, ['recent', 'counts', 'pinned', 'order'], newest])
    await redis.open()
    await isFullAgain(`${list}?sort=hot&limit=3`)
    const next = await saidBy(`${list}?sort=hot&limit=3&cursor=${first.body.nextCursor}`)
    const newestFirst = (await saidBy(`${list}?limit=7`)).body.items.map(({ id }: { id: string }) => id)
    expect([next.status, next.said]).toEqual([200, ['order']])
    expect(newestFirst).toEqual(expect.arrayContaining(next.body.items.map(({ id }: { id: string }) => id)))
  })

  test('a stale page: MongoDB is away, and the page was whole within the last minute', async () => {
    // One that only MongoDB has, and one that the feed has a part of.
    const paths = [deep(), `${list}?sort=oldest&limit=9`]
    const before = await Promise.all(paths.map((path) => saidBy(path)))
    await mongo.shut()
    for (const [n, path] of paths.entries()) {
      await until(async () => (await saidBy(path)).said.length > 0)
      const { status, body, said } = await saidBy(path)
      expect([path, status, said]).toEqual([path, 200, ['stale']])
      expect(body.items).toEqual(before[n]!.body.items)
    }
    await mongo.open()
    for (const path of paths) await isFullAgain(path)
  })

  test('a page of the last minute shows at once what Redis knows: what is hidden, posted and pinned', async () => {
    const crowded = 'song:crowded'
    const all = `/v1/topics/${crowded}/comments`
    const shown = (answer: { body: { items: { id: string }[] } }) => answer.body.items.map(({ id }) => id)
    const liked = await people.posted(crowded, 'ann', { body: 'liked, below the floor' })
    for (let n = 0; n < 6; n++) await Promise.all(Array.from({ length: 51 }, () => people.posted(crowded, 'ann')))
    const rude = await people.posted(crowded, 'bob', { body: 'rude' })
    const reply = await people.posted(crowded, 'bob', { parentId: liked, body: 'rude too' })
    for (const id of [liked, rude]) for (const who of ['ann', 'bob', 'cid']) await people.like(crowded, who, id)
    await e2e.caughtUp()
    const hot = `${all}?sort=hot&limit=4`
    let deepest = `${all}?limit=80`
    for (let page = 0; page < 3; page++) deepest = `${all}?limit=80&cursor=${(await timed(deepest)).body.nextCursor}`
    const before = { hot: await saidBy(hot), deepest: await saidBy(deepest) }
    expect(shown(before.hot)).toEqual(expect.arrayContaining([liked, rude]))
    expect(shown(before.deepest).at(-1)).toBe(liked)
    expect(before.hot.body.items.find(({ id }: { id: string }) => id === liked).firstReplies).toMatchObject([{ id: reply }])

    await mongo.shut()
    const gone = shown(before.deepest)[0]!
    for (const id of [rude, reply, gone]) await people.hide(crowded, id)
    const pinned = await people.posted(crowded, 'star', { body: 'from the artist' })
    await people.pin(crowded, pinned)
    await e2e.caughtUp()
    await until(async () => shown(await saidBy(hot))[0] === pinned)
    const after = await saidBy(hot)
    expect([after.status, after.said, shown(after)]).toEqual([200, ['stale'], expect.not.arrayContaining([rude])])
    expect(after.body.items.find(({ id }: { id: string }) => id === liked)).toMatchObject({ likes: 3, firstReplies: [] })
    await until(async () => !shown(await saidBy(deepest)).includes(gone))
    const { said, body } = await saidBy(deepest)
    expect([said, shown({ body }), body.nextCursor]).toEqual([['stale'], shown(before.deepest).slice(1), null])
    await mongo.open()
    for (const path of [hot, deepest]) await isFullAgain(path)
  })

  test('a permalink without its neighbours: MongoDB is away, and has them', async () => {
    const { feed, feedRoots } = e2e.keys.of(topic)
    const floor = await e2e.redis.hget(feed(topic), 'floor')
    const [lowest] = await e2e.redis.zrangebylex(feedRoots(topic), '-', '+', 'LIMIT', 0, 1)
    expect(lowest! > floor!).toBe(true)
    const unread = await e2e.start({ redisUrl: redis.url, mongodbUrl: mongo.url })
    const path = `${list}/${commentIdAt(lowest!)}`
    await mongo.shut()
    const { status, said, body } = await saidBy(path, unread)
    expect([status, said, body.previous]).toEqual([200, ['older'], null])
    await mongo.open()
    await until(async () => (await saidBy(path, unread)).said.length === 0, 10_000)
    expect((await saidBy(path, unread)).body.previous).not.toBeNull()
  })

  test('a stale page: Redis is away, and MongoDB does not have yet what was seen', async () => {
    const behind = 'song:behind'
    const path = `/v1/topics/${behind}/comments`
    const seen = await people.posted(behind, 'ann', { body: 'seen' })
    await e2e.caughtUp()
    await until(async () => (await saidBy(path)).body.items.length === 1)
    await e2e.collections.comments.deleteOne({ topic: behind, commentId: seen })
    await redis.shut()
    await until(async () => (await saidBy(path)).said.length > 0)
    const { status, body, said } = await saidBy(path)
    expect([status, said, body.items.map(({ id }: { id: string }) => id)]).toEqual([200, ['stale'], [seen]])
    await redis.open()
    await isFullAgain(path)
  })

  test('the newest from the feed only: MongoDB is away, and nobody read the page lately', async () => {
    const unread = await e2e.start({ redisUrl: redis.url, mongodbUrl: mongo.url })
    await mongo.shut()
    const { status, body, said } = await saidBy(`${list}?sort=oldest`, unread)
    expect([status, said, body.items.length > 0]).toEqual([200, ['older'], true])
    await mongo.open()
    await until(async () => (await saidBy(`${list}?sort=oldest`, unread)).said.length === 0)
  })

  test('503 where nothing at all is known; what was read within the last minute still is', async () => {
    const unread = await e2e.start({ redisUrl: redis.url, mongodbUrl: mongo.url })
    const read = [list, `${list}/${newest}`, `${list}/${newest}/replies`, '/v1/topics', `/v1/counts?topics=${topic}`]
    for (const path of read) expect((await saidBy(path)).said).toEqual([])
    const { total } = (await saidBy(`/v1/counts?topics=${topic}`)).body.counts[topic]
    await Promise.all([redis.shut(), mongo.shut()])
    for (const path of read.slice(0, 4)) {
      const { status, headers, body } = await timed(path, undefined, unread)
      expect([path, status, body.code]).toEqual([path, 503, 'unavailable'])
      expect([headers.get('retry-after'), headers.get('content-type')]).toEqual(['1', 'application/problem+json'])
    }
    expect((await timed(`/v1/counts?topics=${topic}`, undefined, unread)).body.counts).toEqual({ [topic]: null })
    for (const path of read) {
      await until(async () => (await saidBy(path)).said.length > 0)
      expect([path, await saidBy(path)]).toMatchObject([path, { status: 200, said: ['stale'] }])
    }
    expect((await saidBy(`/v1/counts?topics=${topic}`)).body.counts[topic].total).toBe(total)
    expect((await timed(`/v1/topics/${topic}/viewer?comments=${newest}`, 'bob')).body.degraded).toEqual(['liked'])
    const ready = await fetch(`${api.url}/readyz`)
    expect([ready.status, await ready.json()]).toMatchObject([503, { ok: false, degraded: ['redis', 'mongodb'] }])
    await Promise.all([redis.open(), mongo.open()])
    for (const path of read) await isFullAgain(path)
    await until(async () => (await unread.call('GET', list)).status === 200)
  })
})

test('an API starts while MongoDB is away and finds it later', async () => {
  await mongo.shut()
  const late = await e2e.start({ mongodbUrl: mongo.url })
  expect((await late.call('GET', list)).status).toBe(200)
  await mongo.open()
  await until(async () => ((await (await fetch(`${late.url}/readyz`)).json()) as { degraded: string[] }).degraded.length === 0)
})
