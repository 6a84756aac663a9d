import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../test/deployment.ts'
import { type Gate, createGate } from '../../test/e2e/gate.ts'
import { promote } from '../events/hotspots.ts'
import { createPacer } from './pacer.ts'
import { shareCrowding } from './share-crowding.ts'

let ovation: Deployment
let gate: Gate
const over = new AbortController()
beforeEach(async () => {
  ovation = createDeployment()
  gate = await createGate(ovation.mongodbUrl)
})
afterEach(async () => {
  over.abort()
  await ovation.close()
  await gate.close()
})

const isSaid = async (group = 'store') => (await ovation.redis.exists(`${ovation.keys.prefix}crowded:${group}`)) === 1

test(
  'a process that reads the hot lane alone rests longer while another process is crowded, and no longer than that',
  { timeout: 120_000 },
  async () => {
    const { posted, post } = commandsOn(ovation.append)
    await posted('song:a', 'ann')
    await promote(ovation.redis, ovation.keys, 'song:hot')
    for (let sent = 0; sent < 20_000; sent += 1_000) await Promise.all(Array.from({ length: 1_000 }, () => post('song:hot', 'crowd')))
    gate.slow({ askMs: 50 }) // so that the noise of the machine is no congestion
    await ovation.consume({ groups: ['store'], lanes: ['priority', 'global'], mongodbUrl: gate.url })
    const traffic = (async () => {
      while (!over.signal.aborted) {
        const id = await posted('song:a', 'ann')
        await until(async () => (await ovation.collections.comments.countDocuments({ _id: `song:a/${id}` })) === 1)
      }
    })()
    const { stats } = await ovation.consume({ groups: ['store'], lanes: ['hot'], hot: { batchSize: 20 } })
    const applied = () => stats()[0]!.stats.applied
    /** What 200 hot events take, ms. */
    const pace = async () => {
      const from = applied()
      const startedMs = performance.now()
      await until(async () => applied() >= from + 200)
      return performance.now() - startedMs
    }
    await until(async () => applied() > 600 && !(await isSaid()))
    const atRestMs = Math.min(await pace(), await pace(), await pace())

    gate.slow({ askMs: 200, answerMs: 200 })
    await until(isSaid)
    await pace()
    const crowdedMs = await pace()
    expect(crowdedMs).toBeGreaterThan(2 * atRestMs)

    gate.slow({ askMs: 50 })
    await until(async () => !(await isSaid()))
    await pace()
    await until(async () => (await pace()) < crowdedMs / 2)
    over.abort()
    await traffic
  },
)

test('only processes with other lanes tell, only those with the hot one listen, a group for itself', async () => {
  const pacers = { store: createPacer(), feed: createPacer() }
  for (let i = 0; i < 20; i++) pacers.store.observe('global', i < 10 ? 1 : 100)
  const start = (tells: boolean, listens: boolean, of = new Map(Object.entries(pacers))) => {
    const stopping = new AbortController()
    const ended = shareCrowding({ redis: ovation.redis, keys: ovation.keys, pacers: of, tells, listens, log: quiet }, stopping.signal)
    return async () => {
      stopping.abort()
      await ended
    }
  }
  const hotOnly = { store: createPacer(), feed: createPacer() }
  const factor = (group: 'store' | 'feed') => hotOnly[group].restAfter(10)
  const stops = [start(false, true), start(false, true, new Map(Object.entries(hotOnly)))]
  await until(async () => (await ovation.redis.info('commandstats')).includes('mget'))
  expect(await isSaid()).toBe(false)
  expect(factor('store')).toBe(10)
  stops.push(start(true, false))
  await until(async () => factor('store') > 10)
  expect(factor('feed')).toBe(10)
  expect(await isSaid('feed')).toBe(false)
  expect(await ovation.redis.pttl(`${ovation.keys.prefix}crowded:store`)).toBeGreaterThan(0)
  for (const stop of stops) await stop()
})
