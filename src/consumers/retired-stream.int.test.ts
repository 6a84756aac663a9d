import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { startLane } from '../../test/lane.ts'
import { demote, promote, retire } from '../events/hotspots.ts'
import { createCounts } from '../projections/counts.ts'
import { createConsumerRedis } from './consumer-redis.ts'
import { groupState } from './group-state.ts'
import { readStreamLag } from './stream-lag.ts'
import { type Stream, streamsOf } from './streams.ts'

const topic = 'song:hot'
let ovation: Deployment
const stops: (() => Promise<void>)[] = []
beforeEach(async () => {
  ovation = createDeployment()
  await commandsOn(ovation.append).post('song:other', 'ann')
  await commandsOn(ovation.append).post(topic, 'ann')
})
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
  await ovation.close()
})

const streamOf = (lane = `hot:${topic}`): Stream => {
  const partition = ovation.keys.of(topic)
  return { key: partition.lane(lane), partition, lane }
}
const promoted = (of = topic) => promote(ovation.redis, ovation.keys, of)
const retired = async (of = topic) => {
  await demote(ovation.redis, ovation.keys, of)
  if (!(await retire(ovation.redis, ovation.keys, of))) throw new Error('not retired')
}
/** Written to and read by every group. */
async function usedUp() {
  await promoted()
  await commandsOn(ovation.append).post(topic, 'ann')
  const consumers = await ovation.consume()
  await ovation.caughtUp()
  await consumers.stop()
}

test('why a stream lacks a group: it is there after all, it is lost, its topic was retired, its partition is closed', async () => {
  const stateOf = (stream: Stream) => groupState(ovation.redis, stream, 'counts')
  await promoted()
  expect(await stateOf(streamOf())).toBe('there')
  await retired()
  expect(await stateOf(streamOf())).toBe('retired')
  await promoted()
  expect(await stateOf(streamOf())).toBe('there')
  for (const stream of [streamOf(), streamOf('global')]) {
    await ovation.redis.xgroup('DESTROY', stream.key, 'counts')
    expect(await stateOf(stream)).toBe('lost')
  }
  await ovation.redis.hdel(ovation.keys.of(topic).meta, 'term')
  expect(await stateOf(streamOf())).toBe('closed')
})

test("a stream that is retired while lag is read is nobody's lag; a group that is gone from one that is there is MISSING", async () => {
  const lagOf = async () => (await readStreamLag(ovation.redis, streamOf(), ['counts'])).get('counts')!
  await usedUp()
  await retired()
  expect(await lagOf()).toMatchObject({ head: 1, position: 1, lagEvents: 0, pending: 0 })
  expect((await lagOf()).fault).toBeUndefined()
  await promoted()
  await commandsOn(ovation.append).post(topic, 'ann')
  expect(await lagOf()).toMatchObject({ head: 2, position: 1, lagEvents: 1 })
  await ovation.redis.xgroup('DESTROY', streamOf().key, 'counts')
  expect(await lagOf()).toMatchObject({ fault: 'MISSING' })
})

test('one that is retired, and even promoted again, between two commands of a lane neither stops it nor delays another hot topic', async () => {
  await promoted()
  await promoted('song:steady')
  let looks = 0
  const model = createCounts(ovation.redis.duplicate())
  const { stats, stop } = startLane(ovation, model, {
    kind: 'hot',
    redis: (redis) => ({
      ...redis,
      // Its group is missing when the lane looks, and the topic is hot again when the lane asks why.
      async withoutGroup(streams) {
        looks += 1
        if (looks > 1) return await redis.withoutGroup(streams)
        await retired()
        const missing = await redis.withoutGroup(streams)
        await promoted()
        return missing
      },
      // And it is gone again just before it is read.
      async readNew(streams, count, blockMs) {
        if (looks === 2 && (await ovation.redis.exists(streamOf().key))) await retired()
        return await redis.readNew(streams, count, blockMs)
      },
    }),
  })
  stops.push(stop)
  await commandsOn(ovation.append).post('song:steady', 'ann')
  await until(async () => stats.applied === 1, 5_000)
  await until(async () => looks > 3, 5_000) // it goes on
  expect((await streamsOf(ovation.redis, ovation.keys, 'hot')).map(({ lane }) => lane)).toEqual(['hot:song:steady'])
})

test('a consumer that still holds its last entries says in vain that it does', async () => {
  await usedUp()
  const entries = (await ovation.redis.xrange(streamOf().key, '-', '+')).map(([entryId]) => ({
    lane: streamOf().lane,
    entryId,
    fields: {},
  }))
  await retired()
  await createConsumerRedis(ovation.redis, 'store', 'slow').keep({ stream: streamOf(), entries, trimmed: [] })
  expect(entries).toHaveLength(1)
  expect(await ovation.redis.exists(streamOf().key)).toBe(0)
})

test('the floor of a stream that had entries outlives one that had none', async () => {
  await usedUp()
  await retired()
  const floor = await ovation.redis.hget(ovation.keys.of(topic).meta, `floor:hot:${topic}`)
  await promoted()
  await retired()
  expect(floor).toMatch(/^\d{13}-\d+$/)
  expect(await ovation.redis.hget(ovation.keys.of(topic).meta, `floor:hot:${topic}`)).toBe(floor)
})
