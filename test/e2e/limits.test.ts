import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { type Api, type E2e, createE2e } from './api.ts'
import { type Gate, createGate } from './gate.ts'

const env = { RATE_COMMENTS: '5/50s', RATE_LIKES: '3/2s', RATE_REPORTS: '2/3600s' }
const origin = 'https://songs.example'
const artist = { sub: 'star', role: 'artist', topics: ['song:*'] }
let e2e: E2e
let topics = 0
const freshTopic = () => `song:limited-${++topics}`
const comments = (topic: string) => `/v1/topics/${topic}/comments`
/** Below the feed and not in the log: only MongoDB can tell that it is not there. */
const invented = (topic: string) => `${comments(topic)}/018a20cb-6839-7000-8000-000000000000`

beforeAll(async () => {
  e2e = await createE2e({ env: { ...env, ALLOWED_ORIGINS: origin } }, { partitions: 1 })
})
afterAll(() => e2e.close())

const post = (
  topic: string,
  as: string | typeof artist,
  { on = e2e, body = 'x', key = '' }: { on?: Api; body?: string; key?: string } = {},
) => on.call('POST', comments(topic), { as, body: { body }, headers: { origin, ...(key ? { 'idempotency-key': key } : {}) } })
const limitOf = ({ headers }: { headers: Headers }) => [headers.get('ratelimit-policy'), headers.get('ratelimit')]
/** Until somebody has used up all of it. */
async function usedUp(user: string, on: Api = e2e): Promise<string> {
  const topic = freshTopic()
  for (let n = 0; n < 5; n++) expect((await post(topic, user, { on })).status).toBe(201)
  return topic
}

describe('a user', () => {
  test('sees what is left, is refused with 429 and told when to come back', async () => {
    const topic = freshTopic()
    const policy = '"comments";q=5;w=50'
    expect(limitOf(await post(topic, 'ann'))).toEqual([policy, '"comments";r=4;t=10'])
    for (const left of [3, 2, 1, 0]) {
      const [said, rest] = limitOf(await post(topic, 'ann'))
      expect([said, rest!.split(';t=')[0]]).toEqual([policy, `"comments";r=${left}`])
    }
    const length = await e2e.logLength()
    for (let again = 0; again < 3; again++) {
      const refused = await post(topic, 'ann')
      const [said, rest] = limitOf(refused)
      const seconds = refused.headers.get('retry-after')
      expect([refused.status, refused.body.code, said, rest]).toEqual([429, 'too-many-requests', policy, `"comments";r=0;t=${seconds}`])
      expect(Number(seconds)).toBeGreaterThan(5)
      expect(Number(seconds)).toBeLessThanOrEqual(10)
      expect(refused.headers.get('access-control-expose-headers')).toContain('RateLimit, RateLimit-Policy')
    }
    expect(await e2e.logLength()).toBe(length)
  })

  test('edits and deletes from the same quota, likes and reports from others', async () => {
    const topic = freshTopic()
    const { id } = (await post(topic, 'dan')).body
    const at = `${comments(topic)}/${id}`
    expect(limitOf(await e2e.call('PATCH', at, { as: 'dan', body: { body: 'y' } }))[1]).toMatch(/^"comments";r=3;/)
    expect(limitOf(await e2e.call('PUT', `${at}/like`, { as: 'dan' }))).toEqual(['"likes";q=3;w=2', '"likes";r=2;t=1'])
    expect(limitOf(await e2e.call('POST', `${at}/reports`, { as: 'dan', body: { reason: 'x' } }))[1]).toBe('"reports";r=1;t=1800')
    expect(limitOf(await e2e.call('DELETE', at, { as: 'dan' }))[1]).toMatch(/^"comments";r=2;/)
  })

  test('pays neither for what is refused nor for a repeat', async () => {
    const topic = freshTopic()
    const { id } = (await post(topic, 'eve')).body
    for (let n = 0; n < 8; n++) {
      expect((await e2e.call('PATCH', `${comments(topic)}/${id}`, { as: 'fay', body: { body: 'y' } })).status).toBe(403)
      expect((await post(topic, 'fay', { key: 'once' })).status).toBe(201)
    }
    expect(limitOf(await post(topic, 'fay'))[1]).toMatch(/^"comments";r=3;/)
  })

  test('who asks again and again for an old comment that is not there is held to the quota: each is a read of MongoDB', async () => {
    const edit = (as: string) => e2e.call('PATCH', invented(freshTopic()), { as, body: { body: 'y' } })
    for (let n = 0; n < 5; n++) expect((await edit('quo')).status).toBe(404)
    expect((await edit('quo')).status).toBe(429)
    expect((await edit('ria')).status).toBe(404)
  })

  test('may write again after a while, by the server’s clock', async () => {
    const topic = freshTopic()
    const { id } = (await post(topic, 'gus')).body
    const like = () => e2e.call('PUT', `${comments(topic)}/${id}/like`, { as: 'gus' })
    for (let n = 0; n < 3; n++) expect((await like()).status).toBe(204)
    const refused = await like()
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
    let answer = refused
    const begin = performance.now()
    while (answer.status === 429) answer = await like()
    expect(answer.status).toBe(204)
    expect(performance.now() - begin).toBeGreaterThan(300) // an interval is 667 ms, and posting took some of it
    expect(performance.now() - begin).toBeLessThan(2_000)
  })

  test('is nobody else’s concern: others, and other classes, go on', async () => {
    const topic = await usedUp('hal')
    const posted = await post(topic, 'ida')
    expect(posted.status).toBe(201)
    expect((await e2e.call('PUT', `${comments(topic)}/${posted.body.id}/like`, { as: 'hal' })).status).toBe(204)
  })
})

test('the limit is one over all processes, and a refused user is remembered by each', async () => {
  const other = await e2e.start()
  const topic = await usedUp('joe')
  expect((await post(topic, 'joe', { on: other })).status).toBe(429)
  const monitor = await e2e.redis.duplicate().monitor()
  const heard: string[] = []
  monitor.on('monitor', (_: string, args: string[]) => {
    if (args[0] === 'evalsha' && args.some((arg) => arg.startsWith(e2e.keys.prefix) && arg.includes(':limit:'))) heard.push('append')
    if (args[1] === `${e2e.keys.prefix}end`) heard.push('end')
  })
  for (let n = 0; n < 20; n++) expect((await post(topic, 'joe', { on: other })).status).toBe(429)
  expect((await post(topic, 'somebody else', { on: other })).status).toBe(201) // is heard
  await e2e.redis.echo(`${e2e.keys.prefix}end`)
  await until(async () => heard.includes('end'))
  monitor.disconnect()
  expect(heard).toEqual(['append', 'end'])
})

test('artists on their own topics and moderators have no limit, and their writes take the priority lane', async () => {
  const topic = freshTopic()
  const { id } = (await post(topic, artist)).body
  for (let n = 0; n < 10; n++) {
    const answer = await post(topic, artist)
    expect([answer.status, ...limitOf(answer)]).toEqual([201, null, null])
  }
  const edit = await e2e.call('PATCH', `${comments(topic)}/${id}`, { as: artist, body: { body: 'y' } })
  expect([edit.status, edit.headers.get('ovation-write')![0]]).toEqual([200, 'p'])
  for (let n = 0; n < 5; n++) expect((await post('clip:elsewhere', artist)).status).toBe(201)
  expect((await post('clip:elsewhere', artist)).status).toBe(429)
})

test('off means no limit and no header', async () => {
  const free = await e2e.start({ env: { RATE_COMMENTS: 'off' } })
  const topic = freshTopic()
  for (let n = 0; n < 10; n++) expect(limitOf(await post(topic, 'kim', { on: free }))).toEqual([null, null])
})

describe('while Redis is away', () => {
  let gate: Gate
  let api: Api
  beforeAll(async () => {
    gate = await createGate(e2e.redisUrl)
    api = await e2e.start({ redisUrl: gate.url, env })
    expect((await post(freshTopic(), 'leo', { on: api })).status).toBe(201)
  })
  afterAll(() => gate.close())

  test('a user gets as many 503 as the quota has, then 429 at once; others still get 503', async () => {
    const topic = freshTopic()
    await gate.shut()
    const statuses = await Promise.all(Array.from({ length: 5 }, async () => (await post(topic, 'mia', { on: api })).status))
    expect(statuses).toEqual([503, 503, 503, 503, 503])
    const begin = performance.now()
    const refused = await post(topic, 'mia', { on: api })
    expect([refused.status, refused.body.code]).toEqual([429, 'too-many-requests'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(performance.now() - begin).toBeLessThan(500)
    expect((await post(topic, 'ned', { on: api })).status).toBe(503)
    await gate.open()
  })

  test('while it hangs nobody has more under way than the quota', async () => {
    const topic = freshTopic()
    await until(async () => (await post(topic, 'tom', { on: api })).status === 201, 8_000)
    gate.hang()
    const statuses = await Promise.all(Array.from({ length: 30 }, async () => (await post(topic, 'sam', { on: api })).status))
    await gate.open()
    expect(statuses.filter((status) => status === 503)).toHaveLength(5)
    expect(statuses.filter((status) => status === 429)).toHaveLength(25)
    await until(async () => (await post(topic, 'tom', { on: api })).status === 201, 8_000)
  })

  test('however often somebody tries, they write again soon after it is back', async () => {
    const topic = freshTopic()
    const { id } = (await post(topic, 'pia')).body
    // Whatever of these is sent when Redis is back uses nothing up.
    const edit = () => api.call('PATCH', `${comments(topic)}/${id}`, { as: 'oli', body: { body: 'y' } })
    await gate.shut()
    await Promise.all(Array.from({ length: 30 }, edit))
    await gate.open()
    const beganMs = performance.now()
    await until(async () => (await post(topic, 'oli', { on: api })).status === 201, 8_000)
    expect(performance.now() - beganMs).toBeLessThan(5_000)
  })
})

test('while MongoDB is away nobody is refused for what cannot be looked up', async () => {
  const gate = await createGate(e2e.mongodbUrl)
  const api = await e2e.start({ mongodbUrl: gate.url, env })
  await gate.shut()
  const edit = () => api.call('PATCH', invented(freshTopic()), { as: 'uma', body: { body: 'y' } })
  for (let turn = 0; turn < 3; turn++) {
    const answers = await Promise.all(Array.from({ length: 5 }, edit))
    expect(new Set(answers.map(({ status, headers }) => `${status} ${headers.get('retry-after')}`))).toEqual(new Set(['503 1']))
  }
  expect((await post(freshTopic(), 'uma', { on: api })).status).toBe(201)
  await gate.close()
})
