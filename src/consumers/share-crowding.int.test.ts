import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../test/deployment.ts'
import { type Gate, createGate } from '../../test/e2e/gate.ts'
import { promote } from '../events/hotspots.ts'
import { type Pacer, createPacer } from './pacer.ts'
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

const isSaid = async (group = 'store') => (await ovation.redis.exists(ovation.keys.crowded(group))) === 1

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
    let written = 0
    const traffic = (async () => {
      for (; !over.signal.aborted; written++) {
        const id = await posted('song:a', 'ann')
        await until(async () => (await ovation.collections.comments.countDocuments({ _id: `song:a/${id}` })) === 1)
      }
    })()
    await until(async () => written >= 30) // what is usual is known
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
    let crowdedMs = 0
    await until(async () => (crowdedMs = await pace()) > 4 * atRestMs)

    gate.slow({ askMs: 50 })
    await until(async () => !(await isSaid()))
    await until(async () => (await pace()) < crowdedMs / 2)
    over.abort()
    await traffic
  },
)

describe('between processes', () => {
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })
  /** One with these lanes: what it says of its own, and what it hears of others. */
  function start(says: { isCrowded?: boolean; isPressing?: boolean }, lanes: { hasHot: boolean; hasOthers: boolean }, of = 'store') {
    const heard: Parameters<Pacer['hearOf']>[0][] = []
    const { isCrowded = false, isPressing = false } = says
    const pacer = {
      ...createPacer(),
      isCrowded: () => isCrowded,
      isPressing: () => isPressing,
      hearOf: (others: (typeof heard)[0]) => void heard.push(others),
    }
    const pacers = new Map(['store', 'feed'].map((group) => [group, group === of ? pacer : createPacer()]))
    const stopping = new AbortController()
    const ended = shareCrowding({ redis: ovation.redis, keys: ovation.keys, pacers, ...lanes, log: quiet }, stopping.signal)
    const stop = async () => {
      stopping.abort()
      await ended
    }
    stops.push(stop)
    return { heard, stop }
  }
  const [hotOnly, othersOnly] = [
    { hasHot: true, hasOthers: false },
    { hasHot: false, hasOthers: true },
  ]
  const hears = (heard: readonly unknown[], others: unknown) => until(async () => JSON.stringify(heard.at(-1)) === JSON.stringify(others))
  const both = (isCrowded: boolean, isPressing: boolean) => ({ isCrowded, isPressing })

  test('those with other lanes tell that they suffer, those with the hot one hear of it, a group for itself', async () => {
    const hot = start({}, hotOnly)
    const feed = start({}, hotOnly, 'feed')
    const other = start({}, othersOnly)
    start({ isCrowded: true }, hotOnly) // it cannot know
    await until(async () => hot.heard.length > 2 && feed.heard.length > 2)
    expect([...hot.heard, ...feed.heard]).not.toContainEqual(both(true, false))
    const { stop } = start({ isCrowded: true }, othersOnly)
    await hears(hot.heard, both(true, false))
    expect(await ovation.redis.pttl(ovation.keys.crowded('store'))).toBeGreaterThan(0)
    await stop()
    await hears(hot.heard, both(false, false))
    expect([...feed.heard, ...other.heard]).not.toContainEqual(both(true, false))
  })

  test('those with the hot lane tell that it presses, those with others hear of it', async () => {
    const other = start({}, othersOnly)
    const { stop } = start({ isPressing: true }, hotOnly)
    await hears(other.heard, both(false, true))
    await stop()
    await hears(other.heard, both(false, false))
  })

  test('no command names two keys: they are on different servers of a cluster', async () => {
    const monitor = await ovation.redis.monitor()
    const named: string[][] = []
    monitor.on('monitor', (_: string, args: string[]) => {
      const keys = args.filter((arg) => arg.startsWith(ovation.keys.crowded('')) || arg.startsWith(ovation.keys.pressing('')))
      if (keys.length > 0) named.push(keys)
    })
    const all = start({ isCrowded: true, isPressing: true }, { hasHot: true, hasOthers: true })
    await hears(all.heard, both(true, true))
    monitor.disconnect()
    expect(new Set(named.map((keys) => keys.length))).toEqual(new Set([1]))
    expect(new Set(named.flat()).size).toBe(4)
  })
})
