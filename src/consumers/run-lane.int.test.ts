import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { createRecorder, startLane } from '../../test/lane.ts'
import { promote } from '../events/hotspots.ts'
import { createCounts } from '../projections/counts.ts'
import { createConsumerRedis } from './consumer-redis.ts'
import { streamsOf } from './streams.ts'

let ovation: Deployment
const stops: (() => Promise<void>)[] = []
beforeEach(() => {
  ovation = createDeployment({ partitions: 2 })
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
/** Posts under topics of both partitions; resolves with the ids of the events. */
const post = async (count: number, topic?: string) => {
  const { post } = commandsOn(ovation.append)
  const ids = []
  for (let i = 0; i < count; i++) {
    const outcome = await post(topic ?? `song:${i % 2 ? 'a' : 'b'}`, 'ann')
    ids.push('event' in outcome ? outcome.event.id : '')
  }
  return ids
}
const lanesOf = (lane: string) => ovation.keys.partitions.map((partition) => partition.lane(lane))
const pendingOf = async (group: string) => {
  const counts = await Promise.all(lanesOf('global').map(async (key) => ((await ovation.redis.xpending(key, group)) as [number])[0]))
  return counts.reduce((sum, count) => sum + count, 0)
}
/** Delivered to a consumer that never acknowledged. */
const deliverTo = async (consumer: string, group = 'store') =>
  createConsumerRedis(ovation.redis, group, consumer).readNew(await streamsOf(ovation.redis, ovation.keys, 'global'), 1_000)
const applied = (batches: readonly string[][]) => batches.flat().toSorted()

test('its own pending entries come first, then those of the dead, then new ones', async () => {
  const own = await post(3)
  await deliverTo('c')
  const others = await post(4)
  await deliverTo('dead')
  await until(
    async () =>
      (await Promise.all(lanesOf('global').map((key) => ovation.redis.xpending(key, 'store', 'IDLE', 100, '-', '+', 10)))).flat().length ===
      7,
  )
  const fresh = await post(2)
  const model = createRecorder('store')
  start(model, { claimAfterMs: 100 })
  await until(async () => model.batches.flat().length === 9)
  const order = model.batches.flat()
  expect([order.slice(0, 3), order.slice(3, 7), order.slice(7)].map((ids) => ids.toSorted())).toEqual(
    [own, others, fresh].map((ids) => ids.toSorted()),
  )
  await until(async () => (await pendingOf('store')) === 0)
})

test('the entries of a dead consumer are taken over once it gave no sign of life for long enough', async () => {
  const ids = await post(5)
  const model = createRecorder('store')
  await deliverTo('dead')
  start(model, { claimAfterMs: 400 })
  await until(async () => model.batches.flat().length === 5)
  expect(applied(model.batches)).toEqual(ids.toSorted())
  await until(async () => (await pendingOf('store')) === 0)
})

test('a batch is at most its size over all streams together', async () => {
  const ids = await post(25)
  const model = createRecorder('store')
  start(model, { batchSize: 4, inFlight: 3 })
  await until(async () => model.batches.flat().length === 25)
  expect(Math.max(...model.batches.map((batch) => batch.length))).toBe(4)
  expect(applied(model.batches)).toEqual(ids.toSorted())
})

test('asked to stop, it finishes the batch in hand and reads no other', async () => {
  const ids = await post(6)
  let release = () => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  const model = createRecorder('store', () => gate)
  const { abort, ended } = start(model)
  await until(async () => (await pendingOf('store')) === 6)
  await post(2)
  abort()
  release()
  await ended
  expect(applied(model.batches)).toEqual(ids.toSorted())
  await until(async () => (await pendingOf('store')) === 0)
})

test('asked to stop, it takes over no more entries of the dead', async () => {
  await post(12)
  await deliverTo('dead')
  let release = () => {}
  const gate = new Promise<void>((resolve) => (release = resolve))
  let begun = 0
  const model = createRecorder('store', () => (begun++, gate))
  const { abort, ended } = start(model, { batchSize: 2, claimAfterMs: 100 })
  await until(async () => begun === 1)
  abort()
  release()
  await ended
  expect(model.batches.flat()).toHaveLength(2)
})

test('several consumers of one group share the entries, each applied by one', async () => {
  const ids = await post(40)
  const models = ['one', 'two', 'three'].map((consumer) => {
    const model = createRecorder('store')
    start(model, { consumer, batchSize: 5 })
    return model
  })
  const all = () => models.flatMap(({ batches }) => batches)
  await until(async () => all().flat().length === 40)
  expect(applied(all())).toEqual(ids.toSorted())
})

describe('a group that is lost while its partition is open', () => {
  test('of a Redis model: the consumer stops and asks for a rebuild; the group is not made again', async () => {
    await post(2)
    const { ended, stats } = start(createCounts(ovation.redis.duplicate()))
    await until(async () => stats.applied === 2)
    await ovation.redis.xgroup('DESTROY', lanesOf('global')[0]!, 'counts')
    await expect(ended).rejects.toMatchObject({ name: 'GroupLostError', message: expect.stringContaining('rebuild the model') as string })
    expect(stats.status).toBe('stopped')
    expect(await ovation.redis.xinfo('GROUPS', lanesOf('global')[0]!)).toHaveLength(3)
  })

  test('of the store: the group is made again from the start of the stream', async () => {
    const before = await post(4)
    const model = createRecorder('store')
    const { stats } = start(model)
    await until(async () => stats.applied === 4)
    for (const key of lanesOf('global')) await ovation.redis.xgroup('DESTROY', key, 'store')
    const after = await post(2)
    await until(async () => after.every((id) => model.batches.flat().includes(id)))
    await until(async () => model.batches.flat().length === 10)
    expect(applied(model.batches)).toEqual([...before, ...before, ...after].toSorted())
  })
})

describe("a promoted topic's stream", () => {
  test.each([0, 2])('is read within a second from its first entry, beside %i others', async (others) => {
    await post(1)
    for (let i = 0; i < others; i++) await promote(ovation.redis, ovation.keys, `song:other-${i}`)
    const model = createRecorder('store')
    start(model, { kind: 'hot' })
    if (others > 0) await post(1, 'song:other-0')
    await until(async () => model.batches.length === (others > 0 ? 1 : 0))
    await promote(ovation.redis, ovation.keys, 'song:hot')
    const ids = await post(3, 'song:hot')
    const startedMs = performance.now()
    await until(async () => ids.every((id) => model.batches.flat().includes(id)))
    expect(performance.now() - startedMs).toBeLessThan(1_000)
  })

  test('is looked for, though the clock of the host was set back by an hour', async () => {
    await post(1)
    let looks = 0
    start(createRecorder('store'), {
      kind: 'hot',
      redis: (redis) => ({ ...redis, withoutGroup: (streams) => (looks++, redis.withoutGroup(streams)) }),
    })
    await until(async () => looks > 0)
    vi.spyOn(Date, 'now').mockImplementation(() => performance.timeOrigin + performance.now() - 3_600_000)
    const before = looks
    await until(async () => looks > before + 2, 5_000)
  })

  test('is read by every group, though no consumer of theirs ran when it was promoted', async () => {
    await promote(ovation.redis, ovation.keys, 'song:hot') // before the partition was ever opened, too
    const ids = await post(3, 'song:hot')
    const models = ['store', 'counts', 'likes', 'feed'].map((group) => createRecorder(group))
    for (const model of models) start(model, { kind: 'hot' })
    await until(async () => models.every(({ batches }) => batches.flat().length === 3))
    for (const { batches } of models) expect(applied(batches)).toEqual(ids.toSorted())
  })

  test('shares each batch with the other backlogs, so that none of them waits for another', async () => {
    const topics = ['song:1', 'song:2', 'song:3', 'song:4', 'song:5']
    const topicOf = new Map<string, string>()
    for (const topic of topics) {
      await promote(ovation.redis, ovation.keys, topic)
      for (const id of await post(20, topic)) topicOf.set(id, topic)
    }
    const model = createRecorder('store')
    start(model, { kind: 'hot', batchSize: 10, pacer: { observe() {}, restAfter: () => 0 } })
    await until(async () => model.batches.flat().length === 100)
    expect(model.batches).toHaveLength(10)
    for (const batch of model.batches) expect(new Set(batch.map((id) => topicOf.get(id)))).toEqual(new Set(topics))
  })

  test('waits for no company while it and others give all they are asked for', async () => {
    for (const topic of ['song:1', 'song:2', 'song:3']) {
      await promote(ovation.redis, ovation.keys, topic)
      await post(21, topic)
    }
    const model = createRecorder('store')
    const startedMs = performance.now()
    start(model, { kind: 'hot', batchSize: 10, lingerMs: 1_000, pacer: { observe() {}, restAfter: () => 0 } })
    await until(async () => model.batches.flat().length === 63)
    expect(performance.now() - startedMs).toBeLessThan(3_000) // seven rounds
    expect(model.batches.map((batch) => batch.length)).toEqual(Array.from({ length: 7 }, () => 9))
  })

  test('has at most two batches in hand, though twenty come out of a quiet moment with a backlog each', async () => {
    await post(1)
    const topics = Array.from({ length: 20 }, (_, i) => `song:${i}`)
    for (const topic of topics) await promote(ovation.redis, ovation.keys, topic)
    const inHand: number[] = []
    const count = async () => {
      const pending = await Promise.all(topics.map((topic) => ovation.redis.xpending(ovation.keys.of(topic).hot(topic), 'store')))
      inHand.push(pending.reduce((sum, [entries]) => sum + (entries as number), 0))
    }
    const ownPending: number[] = []
    let reads = 0
    let burst = () => {}
    const hasBurst = new Promise<void>((resolve) => (burst = resolve))
    const gated: Parameters<typeof start>[1] = {
      kind: 'hot',
      batchSize: 20,
      pacer: { observe() {}, restAfter: () => 0 },
      redis: (redis) => ({
        ...redis,
        readOwnPending: async (...args) => {
          const delivered = await redis.readOwnPending(...args)
          ownPending.push(delivered.reduce((sum, { entries }) => sum + entries.length, 0))
          return delivered
        },
        readNew: async (...args) => {
          if (reads++ === 1) await hasBurst // the first one has found nothing
          return redis.readNew(...args)
        },
      }),
    }
    const model = createRecorder('store', count)
    const lane = start(model, gated)
    await until(async () => reads > 1)
    for (const topic of topics) await post(20, topic)
    burst()
    await until(async () => model.batches.flat().length >= 200)
    await lane.stop()
    expect(Math.max(...inHand)).toBeLessThanOrEqual(40)

    // What a consumer of the name had in hand at its death comes in batches too.
    const consumer = createConsumerRedis(ovation.redis, 'store', 'c')
    await consumer.readNew(await streamsOf(ovation.redis, ovation.keys, 'hot'), 20)
    const restarted = createRecorder('store')
    start(restarted, gated)
    await until(async () => model.batches.flat().length + restarted.batches.flat().length >= 400)
    expect(Math.max(...ownPending)).toBeGreaterThan(0)
    expect(Math.max(...ownPending)).toBeLessThanOrEqual(20)
  })

  test('is paced: a rest after each batch, and its time is not what the others are measured by', async () => {
    await promote(ovation.redis, ovation.keys, 'song:hot')
    await post(10, 'song:hot')
    const rests: number[] = []
    const pacer = { observe: () => expect.unreachable('a hot batch was observed'), restAfter: (ms: number) => (rests.push(ms), 0) }
    const model = createRecorder('store')
    start(model, { kind: 'hot', batchSize: 4, pacer })
    await until(async () => rests.length === 3)
    expect(model.batches.map((batch) => batch.length)).toEqual([4, 4, 2])
  })
})
