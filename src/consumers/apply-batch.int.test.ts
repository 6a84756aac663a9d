import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { createRecorder, startLane } from '../../test/lane.ts'
import { fieldsOf } from '../events/append.ts'
import { createCounts } from '../projections/counts.ts'
import { connectRedis } from '../redis/connect.ts'
import { createStore } from '../projections/store.ts'
import { quiet } from '../../test/deployment.ts'

const envelope = { id: 'x', type: 'comment.liked', v: '1', topic: 'song:a', seq: '9', term: '1', actor: 'eve', at: '1700000000000' }

let ovation: Deployment
const stops: (() => Promise<void> | void)[] = []
beforeEach(() => {
  ovation = createDeployment({ partitions: 1 })
})
afterEach(async () => {
  vi.restoreAllMocks()
  for (const stop of stops.splice(0)) await stop()
  await ovation.close()
})

const start = (...args: Parameters<typeof startLane> extends [unknown, ...infer Rest] ? Rest : never) => {
  const lane = startLane(ovation, ...args)
  stops.push(lane.stop)
  return lane
}
const partition = () => ovation.keys.partitions[0]!
const post = async (count: number, topic = 'song:a') => {
  const { post } = commandsOn(ovation.append)
  const outcomes = []
  for (let i = 0; i < count; i++) outcomes.push(await post(topic, 'ann'))
  return outcomes.map((outcome) => ('event' in outcome ? outcome.event.id : ''))
}
const plant = (fields: Record<string, string>) => ovation.redis.xadd(partition().lane('global'), '*', ...Object.entries(fields).flat())
const deadLetters = async (group: string) =>
  (await ovation.redis.xrange(partition().dead(group), '-', '+')).map(([, flat]): Record<string, string> => fieldsOf(flat))
const pendingOf = async (group: string) => {
  const [count] = (await ovation.redis.xpending(partition().lane('global'), group)) as [number]
  return count
}
const counts = () => {
  const redis = connectRedis(ovation.redisUrl, 'consumer', quiet)
  stops.push(() => redis.disconnect())
  return createCounts(redis)
}

describe('an entry that cannot be applied is parked with its reason, and the rest goes on', () => {
  test.each([
    ['no fields of ours', { hello: 'world' }, 'UnreadableError: fields are missing'],
    ['no JSON', { ...envelope, data: '{' }, 'UnreadableError: data does not fit its schema'],
    ['another shape', { ...envelope, data: '{"commentId":1}' }, 'UnreadableError: data does not fit its schema'],
    ['a malformed origin', { ...envelope, data: '{}', origin: '?' }, 'UnreadableError: origin is malformed'],
  ])('%s', async (_, fields, reason) => {
    await post(3)
    const entry = await plant(fields)
    const { stats } = start(counts(), { batchSize: 2 })
    await until(async () => stats.applied === 3 && stats.parked === 1)
    expect(await deadLetters('counts')).toEqual([
      { stream: partition().lane('global'), entry, error: reason, fields: expect.any(String) as string },
    ])
    const [letter] = await deadLetters('counts')
    expect(fieldsOf(JSON.parse(letter!['fields']!) as string[])).toEqual(fields)
    expect(await pendingOf('counts')).toBe(0)
    expect(await ovation.redis.hget(partition().count('song:a'), 'total')).toBe('3')
  })

  test('its effect fails in Redis: acknowledged and parked in one script', async () => {
    await post(2, 'song:a')
    await post(1, 'song:broken')
    await post(2, 'song:a')
    await ovation.redis.set(partition().count('song:broken'), 'no hash')
    const { stats } = start(counts())
    await until(async () => stats.applied + stats.parked === 5)
    expect(await ovation.redis.hget(partition().count('song:a'), 'total')).toBe('4')
    const letters = await deadLetters('counts')
    expect(letters.map(({ error }) => error)).toEqual([expect.stringContaining('WRONGTYPE')])
    expect(letters[0]!['fields']).toContain('song:broken')
    expect(await pendingOf('counts')).toBe(0)
  })

  test('one of a hundred fails in the projection: found, tried alone, parked; the other 99 are applied', async () => {
    const ids = await post(100)
    const poison = ids[41]!
    const tries: number[] = []
    const model = createRecorder('store', (batch) => {
      if (!batch.includes(poison)) return
      tries.push(batch.length)
      throw new Error('cannot digest')
    })
    const { stats } = start(model)
    await until(async () => stats.applied === 99 && stats.parked === 1)
    expect(model.batches.flat().toSorted()).toEqual(ids.filter((id) => id !== poison).toSorted())
    expect(tries.slice(0, 2)).toEqual([100, 50])
    expect(tries.filter((size) => size === 1)).toHaveLength(3)
    expect((await deadLetters('store')).map(({ error }) => error)).toEqual(['Error: cannot digest'])
    expect(await pendingOf('store')).toBe(0)
  })

  test('another event stands in its place in the archive: that one is parked, the others are archived', async () => {
    const ids = await post(20)
    const { events } = ovation.collections
    const store = createStore(ovation.collections)
    const first = start(store)
    await until(async () => first.stats.applied === 20)
    await first.stop()
    await events.updateOne({ id: ids[7]! }, { $set: { id: 'another' } })
    await ovation.redis.xgroup('SETID', partition().lane('global'), 'store', '0')
    const { stats } = start(store)
    await until(async () => stats.applied === 19 && stats.parked === 1)
    expect((await deadLetters('store')).map(({ error }) => error)).toEqual([expect.stringMatching(/^ArchiveConflictError: another event/)])
  })
})

describe('a store that is away', () => {
  const away = new Error('away')

  test('is waited for: nothing is skipped, nothing is parked, nobody else takes the entries', async () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.02) // short waits: at most 100 ms
    const ids = await post(10)
    let isAway = true
    const model = createRecorder('store', () => {
      if (isAway) throw away
    })
    const { stats } = start(model, { isTransient: (error) => error === away })
    await until(async () => stats.status === 'waiting for a store')
    let claims = 0
    const other = createRecorder('store')
    start(other, {
      consumer: 'other',
      claimAfterMs: 500,
      redis: (redis) => ({ ...redis, claim: (...args) => redis.claim(...args).finally(() => (claims += 1)) }),
    })
    await until(async () => claims >= 3)
    expect(stats).toMatchObject({ applied: 0, parked: 0 })
    isAway = false
    await until(async () => stats.applied === 10)
    expect(stats.status).toBe('running')
    expect(model.batches).toEqual([ids])
    expect(other.batches).toEqual([])
    expect(await deadLetters('store')).toEqual([])
  })

  test('does not hold up a shutdown, and its entries stay pending', async () => {
    await post(3)
    const model = createRecorder('store', () => {
      throw away
    })
    const { stats, stop } = start(model, { isTransient: (error) => error === away })
    await until(async () => stats.status === 'waiting for a store')
    await stop()
    expect(await pendingOf('store')).toBe(3)
  })
})

test('a version from the future stops the consumer: nothing is parked, everything stays pending', async () => {
  await post(2)
  await plant({ ...envelope, v: '2', data: '{}' })
  const { ended, stats } = start(counts())
  await expect(ended).rejects.toMatchObject({ name: 'UnknownVersionError' })
  expect(stats).toEqual({ applied: 0, parked: 0, status: 'stopped', reason: 'version 2 was written, this code knows 1' })
  expect(await deadLetters('counts')).toEqual([])
  expect(await pendingOf('counts')).toBe(3)
})
