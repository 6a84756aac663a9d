import { readLag } from '../src/consumers/lag.ts'
import { type Bench, type Row, coresUsed, median, percentile, rowBelow, spawnProcess } from './harness.ts'
import { bearableProbes, lookEveryMs, probe } from './probe.ts'
import { type System, bearable, caughtUp, startSystem, topicsNamed } from './system.ts'
import { tokenOf } from './token.ts'

/** Post to seen by another client in the list, while the system gets half of the comments it bears. */
export async function visibility(bench: Bench): Promise<Row[]> {
  const [rounds, samples, seconds] = bench.isShort ? [2, 100, 1] : [7, 5_000, 4]
  const system = await startSystem(bench, 'visibility')
  try {
    const capacity = Math.max(bench.isShort ? 500 : 0, await bearable(system, { seconds, runs: bench.isShort ? 1 : 3 }))
    const watched = await bearableProbes(system.api.line, topicsNamed(32, 'seen'), seconds)
    const perSecond = Math.min(100, watched / 4)
    const others = capacity * (1 / 2 - perSecond / watched)
    bench.say(
      `bears ${Math.round(capacity)} comments/s, or ${Math.round(watched)} watched until seen; ${Math.round(others)}/s and ${Math.round(perSecond)} watched ones/s from now on`,
    )
    const cores = coresUsed(system.pids)
    const p99s: number[] = []
    const p50s: number[] = []
    const floods: number[] = []
    for (let round = 0; round < rounds; round++) {
      const { seen, flood } = await underLoad(system, { perSecond, samples, others })
      if (flood < leastOfFlood * others && !bench.isShort)
        throw new Error(`the flood came to ${Math.round(flood)} comments/s instead of ${Math.round(others)}`)
      floods.push(flood)
      p50s.push(percentile(seen, 50))
      p99s.push(percentile(seen, 99))
      bench.say(
        `round ${round + 1} of ${rounds}: p50 ${p50s.at(-1)!.toFixed(1)} ms, p99 ${p99s.at(-1)!.toFixed(1)} ms; flood ${Math.round(flood)}/s`,
      )
    }
    const note = `p50 ${median(p50s).toFixed(1)} ms; ${Math.round(median(floods) + perSecond)} of ${Math.round(capacity)} comments/s came, looked at every ${lookEveryMs} ms; ${cores()}`
    const spread = `(${Math.min(...p99s).toFixed(0)}–${Math.max(...p99s).toFixed(0)} ms)`
    return [rowBelow('post to visible at half load, p99', median(p99s), 50, { spread, note })]
  } finally {
    await system.stop()
  }
}

type Half = { perSecond: number; samples: number; others: number }

/** With a smaller one it would not be half load. */
const leastOfFlood = 0.9

/** Times to visible, ms, and how many comments a second the flood really brought beside them. */
async function underLoad(system: System, { perSecond, samples, others }: Half): Promise<{ seen: number[]; flood: number }> {
  const flood = await spawnProcess('flood', {
    url: system.api.line,
    token: await tokenOf('crowd'),
    topics: topicsNamed(64, 'crowd'),
    perSecond: Math.round(others),
    seconds: Math.ceil((2 * samples) / perSecond) + 10,
  })
  try {
    await probe(system.api.line, topicsNamed(32, 'seen'), { count: Math.round(perSecond), perSecond }) // warms up
    const [before, startedMs] = [await appended(system), performance.now()]
    const seen = await probe(system.api.line, topicsNamed(32, 'seen'), { count: samples, perSecond })
    const flooded = (await appended(system)) - before - samples
    return { seen: seen.map(({ sinceSentMs }) => sinceSentMs), flood: flooded / ((performance.now() - startedMs) / 1_000) }
  } finally {
    await flood.stop()
    await caughtUp(system)
  }
}

/** Events ever appended, in all lanes. */
const appended = async ({ redis, keys }: System) => (await readLag(redis, keys, ['store'])).reduce((sum, { head }) => sum + head, 0)
