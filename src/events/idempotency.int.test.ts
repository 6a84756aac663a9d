import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn, commentOf } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import type { Outcome } from './append.ts'
import { fieldsOf } from './append.ts'
import { promote } from './hotspots.ts'
import { bucketsAt, fieldOf } from './idempotency.ts'
import type { Recorded } from './recorded.ts'

const topic = 'song:a'
let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment({ partitions: 1 })
})
afterEach(() => ovation.close())

const partition = () => ovation.keys.partitions[0]!
const commands = () => commandsOn(ovation.append)
const eventOf = (outcome: Outcome): Recorded => {
  if (!('event' in outcome)) throw new Error(outcome.kind)
  return outcome.event
}
const streamOf = async (lane: string) =>
  (await ovation.redis.xrange(partition().lane(lane), '-', '+')).map(([entryId, flat]): Record<string, string> => ({
    entryId,
    ...fieldsOf(flat),
  }))

describe('a repeated request', () => {
  test('sent a hundred times at once under one key is one entry, with a hundred equal answers', async () => {
    const { post } = commands()
    const outcomes = await Promise.all(Array.from({ length: 100 }, () => post(topic, 'ann', { key: 'k' })))
    expect(new Set(outcomes.map(commentOf)).size).toBe(1)
    expect(outcomes.filter(({ kind }) => kind === 'appended')).toHaveLength(1)
    expect(await streamOf('global')).toHaveLength(1)
    const [first, second] = [outcomes.find(({ kind }) => kind === 'appended')!, outcomes.find(({ kind }) => kind === 'repeated')!]
    expect({ ...eventOf(second), key: '' }).toEqual(eventOf(first))
  })

  test('is another request of another user, under another topic or key', async () => {
    const { post } = commands()
    const outcomes = [
      await post(topic, 'ann', { key: 'k' }),
      await post(topic, 'bob', { key: 'k' }),
      await post('song:b', 'ann', { key: 'k' }),
      await post(topic, 'ann', { key: 'l' }),
      await post(topic, 'ann'),
      await post(topic, 'ann'),
    ]
    expect(outcomes.map(({ kind }) => kind)).toEqual(Array.from(outcomes, () => 'appended'))
  })

  test('gets its first answer also when the topic has changed its lane since', async () => {
    const { post } = commands()
    const first = await post(topic, 'ann', { key: 'k' })
    await promote(ovation.redis, ovation.keys, topic)
    expect(await post(topic, 'ann', { key: 'k' })).toMatchObject({
      kind: 'repeated',
      entryLane: 'global',
      event: { position: eventOf(first).position },
    })
  })

  test('without a key is recognised by its event id: a connection that sends a command again', async () => {
    const { post } = commands()
    const eventId = randomUUID()
    expect(await post(topic, 'ann', { eventId })).toMatchObject({ kind: 'appended' })
    expect(await post(topic, 'ann', { eventId })).toMatchObject({ kind: 'repeated' })
    expect((await streamOf('global')).length).toBe(1)
  })

  test('is looked for in the next period as well just before it begins: another process may be there already', () => {
    const boundaryMs = 400_000 * 3_600_000 * 1.5
    const bucketsOf = (nowMs: number) => bucketsAt(nowMs, 3_600_000, fieldOf(topic, 'ann', 'k'), false).buckets
    expect(bucketsOf(boundaryMs - 5)).toContain(bucketsOf(boundaryMs)[0])
    expect(bucketsOf(boundaryMs)).toContain(bucketsOf(boundaryMs - 5)[0])
    expect(bucketsOf(boundaryMs - 60_000)).not.toContain(bucketsOf(boundaryMs)[0])
  })

  test('is recognised for its window, then it is a new request', async () => {
    const idempotencyWindowMs = 800
    const short = createDeployment({ partitions: 1, id: ovation.id, idempotencyWindowMs })
    const { post } = commandsOn(short.append)
    const first = await post(topic, 'ann', { key: 'k' })
    const startedMs = performance.now()
    let repeated = 0
    await until(async () => {
      const { kind } = await post(topic, 'ann', { key: 'k' })
      if (kind === 'repeated') repeated = performance.now() - startedMs
      return kind === 'appended'
    })
    expect(repeated).toBeGreaterThan(idempotencyWindowMs - 50)
    expect(performance.now() - startedMs).toBeLessThan(idempotencyWindowMs * 4)
    expect(first.kind).toBe('appended')
    await until(async () => (await ovation.redis.keys(`${ovation.keys.prefix}*idem:*`)).length === 0) // and leaves nothing
    short.redis.disconnect()
  })
})
