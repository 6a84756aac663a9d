import { setTimeout as delay } from 'node:timers/promises'
import { defaultLimits } from '../src/hotspot-limits.ts'
import { type Bench, type Row, median, rowBelow, spawnProcess } from './harness.ts'
import { until } from './log.ts'
import { caughtUp, startSystem } from './system.ts'
import { tokenOf } from './token.ts'

const lookEveryMs = 5

/** From the first comment of a flood until its topic is in the hotspot table. Nobody promotes it but the rate. */
export async function promotion(bench: Bench): Promise<Row[]> {
  const runs = bench.isShort ? 2 : 9
  const perSecond = 3 * defaultLimits.writesPerSecond
  const system = await startSystem(bench, 'promotion')
  const { redis, keys, api } = system
  try {
    const tookMs: number[] = []
    for (let run = 0; run < runs; run++) {
      await delay(Math.random() * 1_000) // into no step with the seconds that are counted
      const topic = `song:promoted-${run}`
      const { hotspots, lane } = keys.of(topic)
      const entries = await redis.xlen(lane('global'))
      const flood = await spawnProcess('flood', { url: api.line, token: await tokenOf(), topics: [topic], perSecond, seconds: 10 })
      await until('the flood begins', async () => (await redis.xlen(lane('global'))) > entries, 10_000, 1)
      const startedMs = performance.now()
      await until('the topic is promoted', async () => (await redis.hget(hotspots, topic)) === 'hot', 10_000, lookEveryMs)
      tookMs.push(performance.now() - startedMs)
      await flood.stop()
      await caughtUp(system)
    }
    const spread = `(${Math.min(...tookMs).toFixed(0)}–${Math.max(...tookMs).toFixed(0)} ms)`
    const note = `${perSecond} comments/s, promoted from ${defaultLimits.writesPerSecond}/s on; ${runs} floods`
    return [rowBelow('flood to promotion', median(tookMs), undefined, { spread, note })]
  } finally {
    await system.stop()
  }
}
