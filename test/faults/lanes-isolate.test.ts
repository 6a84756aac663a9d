import { afterEach, beforeEach, expect, test } from 'vitest'
import { demoteByHand, promoteByHand } from '../../src/consumers/hotspots/by-hand.ts'
import { readLag } from '../../src/consumers/lag.ts'
import { positionOfComment } from '../../src/events/position.ts'
import { commandsOn } from '../commands.ts'
import { type Deployment, createDeployment, until } from '../deployment.ts'
import { type Gate, createGate } from '../e2e/gate.ts'
import { summary } from './summary.ts'

const hot = 'song:hot'
const backlog = 100_000
let ovation: Deployment
let gate: Gate
beforeEach(async () => {
  ovation = createDeployment({ partitions: 2 })
  gate = await createGate(ovation.mongodbUrl)
})
afterEach(async () => {
  await ovation.close()
  await gate.close()
})

/** All groups; the hot lane as a process of its own, whose way to MongoDB goes through the gate. */
async function consume() {
  const running = [
    await ovation.consume({ lanes: ['priority', 'global'] }),
    await ovation.consume({ lanes: ['hot'], mongodbUrl: gate.url }),
  ]
  return { stop: () => Promise.all(running.map((consumers) => consumers.stop())) }
}
const at = (share: number, samples: readonly number[]) => samples.toSorted((a, b) => a - b)[Math.ceil(share * samples.length) - 1]!
const inFeed = async (topic: string, id: string) =>
  (await ovation.redis.hexists(ovation.keys.of(topic).feed(topic), positionOfComment(id)!)) === 1
const inMongo = async (topic: string, id: string) => (await ovation.collections.comments.countDocuments({ _id: `${topic}/${id}` })) === 1
const crowdInMongo = () => ovation.collections.comments.countDocuments({ topic: hot, 'author.id': 'crowd' })

async function elapsed(startedMs: number, condition: () => Promise<boolean>): Promise<number> {
  while (!(await condition())) if (performance.now() - startedMs > 30_000) throw new Error('not visible after 30 s')
  return performance.now() - startedMs
}

/** How long comments on ordinary topics of both partitions take to be seen in the feed and in MongoDB, and how far their lanes are behind. */
async function ordinaryTraffic(count: number) {
  const { posted } = commandsOn(ovation.append)
  const [feed, mongo, lags]: [number[], number[], number[]] = [[], [], []]
  for (let i = 0; i < count; i++) {
    const topic = i % 2 ? 'song:a' : 'song:b'
    const startedMs = performance.now()
    const id = await posted(topic, 'ann', i % 4 < 2 ? {} : { priority: true })
    feed.push(await elapsed(startedMs, () => inFeed(topic, id)))
    mongo.push(await elapsed(startedMs, () => inMongo(topic, id)))
    if (i % 10 === 0)
      for (const { lane, lagEvents, pending } of await readLag(ovation.redis, ovation.keys))
        if (lane !== 'hot') lags.push((lagEvents ?? Infinity) + pending)
  }
  return { feedMs: at(0.95, feed), mongoMs: at(0.95, mongo), lag: Math.max(...lags) }
}

/** What each group has not had of the hot topic. */
const hotLag = async () =>
  (await readLag(ovation.redis, ovation.keys)).flatMap(({ lane, lagEvents }) => (lane === 'hot' ? [lagEvents ?? Infinity] : []))

async function fill(count: number) {
  const { post } = commandsOn(ovation.append)
  for (let sent = 0; sent < count; sent += 1_000) await Promise.all(Array.from({ length: 1_000 }, () => post(hot, 'crowd')))
}

test('a backlog of 100,000 and a MongoDB that crawls, on one hot topic: its alone', { timeout: 180_000 }, async () => {
  const { redis, keys, collections } = ovation
  const { posted, pin } = commandsOn(ovation.append)
  const early = await consume()
  await ordinaryTraffic(20)
  const before = await ordinaryTraffic(100)
  await early.stop()

  await promoteByHand(redis, keys, hot)
  await fill(backlog)
  const last = await posted(hot, 'crowd')
  expect(await redis.xlen(keys.of(hot).hot(hot))).toBe(backlog + 1)
  gate.slow({ askMs: 300, answerMs: 300 })
  await consume()
  await until(async () => (await crowdInMongo()) > 0)

  const artist: number[] = []
  const pinned: number[] = []
  for (let i = 0; i < 20; i++) {
    const startedMs = performance.now()
    const id = await posted(hot, 'star', { priority: true })
    await pin(hot, id)
    const { pins } = keys.of(hot)
    artist.push(await elapsed(startedMs, () => inFeed(hot, id)))
    pinned.push(await elapsed(startedMs, async () => (await redis.hexists(pins(hot), positionOfComment(id)!)) === 1))
    await elapsed(
      startedMs,
      async () => (await collections.comments.countDocuments({ _id: `${hot}/${id}`, pinned: { $exists: true } })) === 1,
    )
    expect(await inMongo(hot, last)).toBe(false) // the crowd was there first and comes later
  }
  const during = await ordinaryTraffic(100)
  const crowd = await crowdInMongo()

  expect(Math.max(...artist, ...pinned)).toBeLessThan(1_000)
  expect(during.feedMs).toBeLessThan(Math.max(4 * before.feedMs, 250))
  expect(during.mongoMs).toBeLessThan(Math.max(4 * before.mongoMs, 400))
  expect(during.lag).toBeLessThan(20)
  expect(crowd).toBeLessThan(backlog / 2) // all the while there was a backlog

  // The hot topic's own traffic moves all the same, in every group.
  const left = await hotLag()
  await until(async () => (await hotLag()).every((lagEvents, group) => left[group] === 0 || lagEvents < left[group]!))
  await until(async () => (await crowdInMongo()) > crowd)
  await demoteByHand(redis, keys, hot, 60_000)
  const after = await posted(hot, 'ann')
  await elapsed(performance.now(), () => inMongo(hot, after))
  expect(await inMongo(hot, last)).toBe(false)
  summary('lanes', {
    'artist in the feed, longest ms': Math.max(...artist),
    'pin in the feed, longest ms': Math.max(...pinned),
    ...Object.fromEntries(Object.entries(before).map(([name, ms]) => [`before ${name} p95`, ms])),
    ...Object.fromEntries(Object.entries(during).map(([name, ms]) => [`during ${name} p95`, ms])),
    crowd,
  })
})
