import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { promote } from '../../src/events/hotspots.ts'
import { commentIdAt, positionOfComment } from '../../src/events/position.ts'
import { type Commands, commandsOn } from '../commands.ts'
import { until } from '../deployment.ts'
import { type Api, type E2e, createE2e } from './api.ts'
import { type Gate, createGate } from './gate.ts'

const origin = 'https://songs.example'
let e2e: E2e
let mongo: Gate
let api: Api
let people: Commands
let consumers: Awaited<ReturnType<E2e['consume']>>
beforeAll(async () => {
  e2e = await createE2e({ env: { ALLOWED_ORIGINS: origin, ALLOWED_TOPICS: 'song:*' } }, { partitions: 4 })
  mongo = await createGate(e2e.mongodbUrl)
  api = await e2e.start({ mongodbUrl: mongo.url })
  people = commandsOn(e2e.append)
  consumers = await e2e.consume()
})
afterAll(async () => {
  await e2e.close()
  await mongo.close()
})

let topics = 0
const freshTopic = () => `song:cache-${++topics}`
const comments = (topic: string) => `/v1/topics/${topic}/comments`
const ids = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id)
/** As its `GET` shows it to anybody. */
const bodyOf = async (path: string, from = api) => (await from.call('GET', path)).body
const raw = (path: string, headers: Record<string, string> = {}, method = 'GET') => fetch(api.url + path, { method, headers })
const repeat = <T>(times: number, run: () => Promise<T>) => Promise.all(Array.from({ length: times }, run))

/** A number on /metrics, of all label sets that match. */
async function metric(name: string, labels = '', from = api): Promise<number> {
  const text = await (await fetch(`${from.opsUrl}/metrics`)).text()
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}[{ ]`).test(line) && line.includes(labels))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}
const cached = (result: string, from = api) => metric('ovation_page_cache_total', `result="${result}"`, from)

async function topicWith(count: number, more: Parameters<Commands['posted']>[2] = {}) {
  const topic = freshTopic()
  const made: string[] = []
  for (let n = 0; n < count; n += 50)
    made.push(...(await Promise.all(Array.from({ length: Math.min(50, count - n) }, () => people.posted(topic, 'ann', more)))))
  await e2e.caughtUp()
  return { topic, made: made.sort() }
}

describe('HTTP caching', () => {
  const forCdn = 'public, max-age=0, s-maxage=1, stale-while-revalidate=5, stale-if-error=60'

  test('answers that are everybody’s have a strong ETag and may be kept by a CDN; who has the bytes gets 304', async () => {
    const { topic, made } = await topicWith(2)
    const list = comments(topic)
    for (const path of [list, `${list}/${made[0]}`, `${list}/${made[0]}/replies`, `/v1/counts?topics=${topic}`, '/v1/topics?limit=3']) {
      // The first time through the app, then by the raw URL.
      for (const _ of ['first', 'again']) {
        const { status, headers, text } = await api.call('GET', path, { headers: { origin } })
        const etag = headers.get('etag')!
        expect([path, status, headers.get('cache-control')]).toEqual([path, 200, forCdn])
        expect(etag).toMatch(/^"[\w-]{27}"$/)
        expect([headers.get('vary'), headers.get('access-control-allow-origin')]).toEqual(['Origin', origin])
        expect(headers.get('access-control-expose-headers')).toMatch(/ETag.*Ovation-Degraded/)
        for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
          const response = await raw(path, { 'if-none-match': known })
          expect([path, known, response.status, await response.text()]).toEqual([path, known, 304, ''])
          expect([response.headers.get('etag'), response.headers.get('cache-control')]).toEqual([etag, forCdn])
          expect(response.headers.get('vary')).toBe('Origin')
        }
        expect((await raw(path, { 'if-none-match': '"x"' })).status).toBe(200)
        const head = await raw(path, {}, 'HEAD')
        expect([head.status, head.headers.get('etag'), await head.text()]).toEqual([200, etag, ''])
        expect(head.headers.get('content-length')).toBe(String(Buffer.byteLength(text)))
      }
    }
  })

  test('answers with a token in them, and the viewer’s, are never kept, and leave nothing in what others get', async () => {
    const { topic } = await topicWith(1)
    const list = comments(topic)
    await consumers.stop()
    // Through the app, then by the raw URL.
    const before = [await api.call('GET', list), await api.call('GET', list)]
    const { body } = await api.call('POST', list, { as: 'ann', body: { body: 'mine' } })
    for (const path of [list, `${list}/${body.id}`]) {
      const { headers } = await api.call('GET', `${path}?after=${body.writeToken}`)
      expect([headers.get('cache-control'), headers.get('etag')]).toEqual(['private, no-store', null])
    }
    const viewer = await api.call('GET', `/v1/topics/${topic}/viewer`, { as: 'ann' })
    expect([viewer.headers.get('cache-control'), viewer.headers.get('etag')]).toEqual(['private, no-store', null])
    const unasked = await api.call('GET', `${list}?limit=20`)
    for (const { text, headers } of [...before, await api.call('GET', list), unasked]) {
      expect([text, headers.get('etag')]).toEqual([before[0]!.text, before[0]!.headers.get('etag')])
      expect(text).not.toContain(body.id)
    }
    consumers = await e2e.consume()
    await until(async () => ids(await bodyOf(list)).includes(body.id))
  })

  test('an answer by raw URL is counted, carries the caller’s correlation id, and asks no less of origin and topic', async () => {
    const { topic } = await topicWith(1)
    const counted = () =>
      metric('ovation_http_request_duration_seconds_count', 'route="/v1/topics/:topic/comments",method="GET",status="200"')
    const before = await counted()
    for (let n = 0; n < 3; n++) await raw(comments(topic))
    expect((await counted()) - before).toBe(3)
    expect((await raw(comments(topic), { 'x-request-id': 'abc-1' })).headers.get('x-correlation-id')).toBe('abc-1')
    expect((await raw(comments(topic), { origin: 'https://evil.example' })).headers.get('access-control-allow-origin')).toBeNull()
    for (let n = 0; n < 2; n++) expect((await raw(comments('album:secret'))).status).toBe(403)
  })
})

/** The id that a comment would have had so many ms before another. */
const earlier = (id: string, ms: number) => commentIdAt(`${Number(positionOfComment(id)!.slice(0, 13)) - ms}-000000`)

describe('the page cache', () => {
  test('identical reads in flight are one read; the same version keeps the bytes', async () => {
    const { topic } = await topicWith(3)
    const builtBefore = await cached('built')
    const answers = await repeat(60, () => raw(comments(topic)))
    const etags = new Set(answers.map(({ headers }) => headers.get('etag')))
    expect([etags.size, (await cached('built')) - builtBefore]).toEqual([1, 1])
    const unchanged = await cached('unchanged')
    await until(async () => (await raw(comments(topic))).ok && (await cached('unchanged')) > unchanged)
    expect((await cached('built')) - builtBefore).toBe(1)
    expect((await raw(comments(topic))).headers.get('etag')).toBe([...etags][0])
  })

  test('others see what is written while they read on and on: a post, an edit, a like, a pin, a deletion', async () => {
    const { topic, made } = await topicWith(1)
    const list = comments(topic)
    const shows = (condition: (items: Record<string, unknown>[]) => boolean) =>
      until(async () => condition((await bodyOf(list)).items), 5_000)
    await shows((items) => items.length === 1)
    const id = await people.posted(topic, 'ann', { body: 'before' })
    await shows((items) => items[0]!['id'] === id)
    await people.edit(topic, 'ann', id, 'after')
    await shows((items) => items[0]!['body'] === 'after')
    await people.like(topic, 'bob', id)
    await shows((items) => items[0]!['likes'] === 1)
    await people.pin(topic, made[0]!)
    await shows((items) => items[0]!['id'] === made[0] && items[0]!['pinned'] === true)
    await people.remove(topic, 'ann', id)
    await shows((items) => items.length === 1)
  })

  test('a topic is empty until its feed has the first comment, which is found by its id before', async () => {
    const topic = freshTopic()
    const list = comments(topic)
    await consumers.stop()
    const id = await people.posted(topic, 'ann', { body: 'in the log' })
    const unknown = id.replace(/-80../, '-8ff0')
    for (let n = 0; n < 3; n++) {
      expect(ids(await bodyOf(list))).toEqual([])
      expect((await bodyOf(`${list}/${id}`)).comment).toMatchObject({ id, body: 'in the log' })
      expect(await bodyOf(`${list}/${id}/replies`)).toMatchObject({ items: [], degraded: [] })
      for (const path of [`${list}/${unknown}`, `${comments(freshTopic())}/${id}`]) expect((await raw(path)).status).toBe(404)
    }
    expect((await raw(`${list}/${unknown}`)).headers.get('cache-control')).toBe('public, max-age=0, s-maxage=1')
    consumers = await e2e.consume()
    await until(async () => ids(await bodyOf(list)).includes(id))
  })

  test('what MongoDB has is found by its id while the feed is behind, as MongoDB has it', async () => {
    const topic = freshTopic()
    await consumers.stop()
    const others = await e2e.consume({ groups: ['store', 'counts', 'likes'] })
    const root = await people.posted(topic, 'ann')
    const reply = await people.posted(topic, 'bob', { parentId: root })
    await people.edit(topic, 'ann', root, 'edited')
    await until(async () => (await bodyOf(`${comments(topic)}/${root}`)).comment.body === 'edited')
    expect(await bodyOf(`${comments(topic)}/${reply}`)).toMatchObject({ comment: { id: reply }, root: { id: root } })
    await people.remove(topic, 'ann', root)
    await until(async () => (await bodyOf(`${comments(topic)}/${root}`)).comment.state === 'deleted')
    await others.stop()
    consumers = await e2e.consume()
    await e2e.caughtUp()
  })

  test('a scan of ids does not reach MongoDB where the topic is empty, nor twice where it is long', async () => {
    const { topic, made } = await topicWith(305)
    const [unknown, another] = [earlier(made[0]!, 1), earlier(made[0]!, 2)]
    const empty = freshTopic()
    expect((await api.call('GET', `${comments(topic)}/${unknown}`)).status).toBe(404)
    await mongo.shut()
    try {
      await until(async () => (await api.call('GET', `${comments(topic)}/${another}`)).status === 503)
      expect((await api.call('GET', `${comments(topic)}/${unknown}`)).status).toBe(404)
      for (const id of made.slice(0, 5)) {
        expect((await api.call('GET', `${comments(empty)}/${id}`)).status).toBe(404)
        expect((await api.call('GET', `${comments(empty)}/${id}/replies`)).status).toBe(404)
      }
    } finally {
      await mongo.open()
    }
    await until(async () => (await api.call('GET', `${comments(topic)}/${another}`)).status === 404)
  })
})

describe('a hot topic', () => {
  test('is read from copies by other processes, never by an older one; its writers see their own without building the page', async () => {
    const { topic } = await topicWith(5)
    const other = await e2e.start()
    const readBoth = () => Promise.all([bodyOf(comments(topic)), bodyOf(comments(topic), other)])
    await promote(e2e.redis, e2e.keys, topic)
    await until(async () => (await metric('ovation_hotspots', '', other)) > 0 && (await metric('ovation_hotspots')) > 0)
    await until(async () => {
      await readBoth()
      const names = await e2e.redis.keys(`${e2e.keys.prefix}*:copy:newest*:${topic}`)
      return names.length > 1 && (await cached('copy')) > 0 && (await cached('copy', other)) > 0
    })

    const id = await people.posted(topic, 'ann')
    await until(async () => (await readBoth()).every((body) => ids(body)[0] === id), 5_000)
    const newest = (body: { items: { id: string }[] }) => ids(body)[0]!
    let last = newest(await bodyOf(comments(topic)))
    for (let n = 0; n < 5; n++) {
      const writing = people.posted(topic, 'ann')
      const next = newest(await bodyOf(comments(topic)))
      expect(next >= last).toBe(true)
      last = next
      await writing
    }

    await bodyOf(comments(topic))
    const posts = await repeat(30, () => api.call('POST', comments(topic), { as: 'bob', body: { body: 'crowd' } }))
    const builtBefore = await cached('built')
    const seen: boolean[] = []
    for (const { body } of posts) seen.push(ids(await bodyOf(`${comments(topic)}?after=${body.writeToken}`)).includes(body.id))
    expect(seen).toEqual(posts.map(() => true))
    expect((await cached('built')) - builtBefore).toBeLessThan(10)
  })

  test('is shown to its writers too when Redis dies and what this process knows is a copy', async () => {
    const { topic, made } = await topicWith(5)
    const list = comments(topic)
    const { writeToken } = (await api.call('POST', list, { as: 'ann', body: { body: 'mine' } })).body
    await e2e.caughtUp()
    await until(async () => (await e2e.collections.comments.countDocuments({ topic })) === 6)
    await promote(e2e.redis, e2e.keys, topic)
    const redis = await createGate(e2e.redisUrl)
    const other = await e2e.start({ redisUrl: redis.url })
    await until(async () => (await metric('ovation_hotspots', '', other)) > 0 && (await metric('ovation_hotspots')) > 0)
    // What it has come to know last is a copy.
    let before = { built: 0, copy: 0 }
    await until(async () => {
      await bodyOf(list)
      await bodyOf(list, other)
      const { built, copy } = before
      before = { built: await cached('built', other), copy: await cached('copy', other) }
      return before.copy > copy && before.built === built
    })
    await e2e.collections.comments.deleteOne({ topic, position: { $gt: '' }, commentId: { $nin: made } })
    await redis.shut()
    const { status, body } = await other.call('GET', `${list}?after=${writeToken}`)
    expect([status, body.degraded]).toEqual([200, expect.arrayContaining(['after'])])
    await redis.close()
  })

  test('is told to the controller by each process that reads it', async () => {
    const [{ topic }, { topic: seldom }] = [await topicWith(1), await topicWith(1)]
    const lastSeconds = () => Array.from({ length: 5 }, (_, n) => Math.floor(Date.now() / 1_000) - n)
    const told = async (one: string) => {
      const scores = await Promise.all(lastSeconds().map((second) => e2e.redis.zscore(e2e.keys.reads(second), one)))
      return scores.reduce((sum, score) => sum + Number(score ?? 0), 0)
    }
    await raw(comments(seldom))
    await until(async () => {
      await repeat(25, () => raw(comments(topic)))
      return (await told(topic)) >= 20
    })
    expect(await told(seldom)).toBe(0)
    const ttls = await Promise.all(lastSeconds().map((second) => e2e.redis.ttl(e2e.keys.reads(second))))
    expect(Math.max(...ttls)).toBeGreaterThan(0)
    expect(Math.max(...ttls)).toBeLessThanOrEqual(15)
  })
})

test('reads of MongoDB in flight stay within the bulkhead, whatever is asked at once', async () => {
  const { topic, made } = await topicWith(400)
  const answers = await Promise.all(made.slice(0, 90).map((id) => api.call('GET', `${comments(topic)}/${id}`)))
  expect(answers.every(({ status }) => status === 200 || status === 503)).toBe(true)
  // 16 at once and 64 waiting is what there is room for; the others may be refused.
  expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(70)
  const ofQueries = (name: string) => metric(`ovation_mongo_reads_${name}`, 'of="queries"')
  const [peak, limit] = [await ofQueries('in_flight_max'), await ofQueries('limit')]
  expect(limit).toBe(16)
  expect(await metric('ovation_mongo_reads_limit', 'of="commands"')).toBe(4)
  expect(peak).toBeGreaterThan(1)
  expect(peak).toBeLessThanOrEqual(limit)
})
