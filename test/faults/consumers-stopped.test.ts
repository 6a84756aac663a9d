import { afterEach, beforeEach, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import type { Call } from './client.ts'
import { everythingExact } from './exact.ts'
import { startLoad } from './load.ts'
import { type Place, backlog, createPlace, pending } from './place.ts'
import { figuresOf, summary } from './summary.ts'

let place: Place
beforeEach(async () => {
  place = await createPlace()
  await place.startApi()
})
afterEach(() => place.close())

test('a consumer that is told to stop finishes its batch: nothing is left in its hands', { timeout: 120_000 }, async () => {
  const load = startLoad(place.client)
  let took = 0
  for (let stop = 0; stop < 3; stop++) {
    const consumer = place.startConsumer(`s${stop}`)
    await until(async () => (await pending(place, `s${stop}`)) > 0)
    const startedMs = performance.now()
    expect(await consumer.stop()).toBe('exited with code 0')
    took = Math.max(took, performance.now() - startedMs)
    expect(await pending(place, `s${stop}`)).toBe(0)
  }
  const acknowledged = await load.stop()
  expect(await backlog(place)).not.toBe('') // it was at work
  place.startConsumer('last')
  await everythingExact(place, acknowledged)
  summary('consumers stopped', { stops: 3, 'longest stop, ms': took, ...figuresOf(place.client, acknowledged) })
})

type Comment = { id: string; body: string | null; state: string; likes: number; firstReplies: Comment[] }

test('with all consumers stopped, the list shows a reader what they just wrote', { timeout: 60_000 }, async () => {
  const list = '/v1/topics/song:own/comments'
  const write = async (call: Omit<Call, 'user'>) => {
    const { status, body, writeToken } = await place.client.once({ ...call, user: 'ann' })
    expect(status).toBeLessThan(300)
    return { id: (body as Comment | undefined)?.id, token: writeToken }
  }
  const post = (body: string, parentId?: string) => write({ method: 'POST', path: list, body: { body, parentId } })
  const listed = async (token?: string) => {
    const { body } = await place.client.once({ method: 'GET', path: list + (token ? `?after=${token}` : '') })
    return (body as { items: Comment[] }).items
  }
  const consumer = place.startConsumer('a')
  const [first, second] = [await post('first'), await post('second')]
  await place.caughtUp()
  await consumer.stop()
  const at = (id: string | undefined) => `${list}/${id}`
  const before = await listed()

  const posted = await post('third')
  expect((await listed(posted.token)).map(({ body }) => body)).toEqual(['third', 'second', 'first'])
  const reply = await post('a reply', first.id)
  expect((await listed(reply.token)).find(({ id }) => id === first.id)?.firstReplies).toMatchObject([{ body: 'a reply' }])
  const edited = await write({ method: 'PATCH', path: at(second.id), body: { body: 'second, edited' } })
  expect((await listed(edited.token)).map(({ body }) => body)).toEqual(['second, edited', 'first'])
  const liked = await write({ method: 'PUT', path: `${at(second.id)}/like` })
  expect((await listed(liked.token)).map(({ likes }) => likes)).toEqual([1, 0])
  const deleted = await write({ method: 'DELETE', path: at(second.id) })
  expect((await listed(deleted.token)).map(({ body }) => body)).toEqual(['first'])
  expect(await listed()).toEqual(before)
  summary('own writes with all consumers stopped', { shown: 'post, reply, edit, like, delete' })
})
