import { afterAll, beforeAll, expect, test } from 'vitest'
import { type PrivateRedis, startPrivateRedis } from '../private-redis.ts'
import { until } from '../deployment.ts'
import { type E2e, createE2e } from './api.ts'

let redis: PrivateRedis
let e2e: E2e
beforeAll(async () => {
  redis = await startPrivateRedis()
  e2e = await createE2e({}, { redisUrl: redis.url, partitions: 1 })
})
afterAll(async () => {
  await e2e.close()
  await redis.stop()
})

const topic = 'song:emptied'
const list = `/v1/topics/${topic}/comments`
const idsIn = (body: { items: { id: string }[] }) => body.items.map(({ id }) => id)

test('nobody sees an emptied server as an empty topic: lists are MongoDB’s, counts null, until the models have read everything again', async () => {
  const consumers = await e2e.consume()
  for (const body of ['one', 'two', 'three']) await e2e.call('POST', list, { as: 'ann', body: { body } })
  await e2e.caughtUp()
  const before = await e2e.call('GET', list)
  expect(before.body).toMatchObject({ items: [{ body: 'three' }, { body: 'two' }, { body: 'one' }], degraded: [] })
  await e2e.call('PUT', `${list}/${before.body.items[0].id}/like`, { as: 'bob' })
  await e2e.caughtUp()
  await consumers.stop()

  await e2e.redis.flushall()
  const isThin = async () => {
    const { body } = await e2e.call('GET', list)
    expect(idsIn(body)).toEqual(idsIn(before.body))
    expect(body.degraded).toEqual(expect.arrayContaining(['recent', 'counts']))
    expect((await e2e.call('GET', `/v1/counts?topics=${topic}`)).body.counts).toEqual({ [topic]: null })
    expect((await e2e.call('GET', `/v1/topics/${topic}/viewer?comments=${idsIn(body)[0]}`, { as: 'bob' })).body.liked).toEqual([
      idsIn(body)[0],
    ])
  }
  await isThin() // nobody has noticed yet
  const posted = await e2e.call('POST', list, { as: 'ann', body: { body: 'four' } })
  expect(posted.status).toBe(201)
  await isThin() // reopened by that write, and no model has read yet

  await e2e.consume()
  await until(async () => (await e2e.call('GET', list)).body.degraded.length === 0)
  const after = await e2e.call('GET', list)
  expect(idsIn(after.body)).toEqual([posted.body.id, ...idsIn(before.body)])
  expect(after.body.items[1].likes).toBe(1)
  // What was answered while counts were unknown is kept for up to a second.
  await until(async () => (await e2e.call('GET', `/v1/counts?topics=${topic}`)).body.counts[topic] !== null)
  expect((await e2e.call('GET', `/v1/counts?topics=${topic}`)).body.counts).toEqual({ [topic]: { total: 4, roots: 4 } })
})
