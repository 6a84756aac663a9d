import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Place, createPlace } from './place.ts'
import { summary } from './summary.ts'

let place: Place
beforeAll(async () => {
  place = await createPlace()
  place.startConsumer('a')
  await place.startApi()
})
afterAll(() => place.close())

test('the same Idempotency-Key sent 100 times at once gives one comment and 100 equal answers', async () => {
  const { client, collections } = place
  const call = { method: 'POST', path: '/v1/topics/song:a/comments', user: 'ann', key: 'k1', body: { body: 'once' } } as const
  const startedMs = performance.now()
  const answers = await Promise.all(Array.from({ length: 100 }, () => client.once(call)))
  const tookMs = performance.now() - startedMs
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
  expect(new Set(answers.map(({ text }) => text)).size).toBe(1)
  expect(new Set(answers.map(({ writeToken }) => writeToken)).size).toBe(1)
  await place.caughtUp()
  expect(await collections.events.countDocuments()).toBe(1)
  expect(await collections.comments.countDocuments()).toBe(1)
  expect(await place.redis.hget(place.keys.of('song:a').count('song:a'), 'total')).toBe('1')
  expect(await client.once({ ...call, body: { body: 'twice' } })).toMatchObject({ status: 422, body: { code: 'idempotency-key-reused' } })
  summary('same key', { sent: 100, answers: new Set(answers.map(({ text }) => text)).size, comments: 1, tookMs })
})
