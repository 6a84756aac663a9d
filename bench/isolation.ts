import { setTimeout as delay } from 'node:timers/promises'
import { promote } from '../src/events/hotspots.ts'
import { readLag } from '../src/consumers/lag.ts'
import { type Bench, type Child, type Row, coresUsed, median, percentile, rowAtMost, spawnProcess, spreadOf } from './harness.ts'
import { bearableProbes, lookEveryMs, probe } from './probe.ts'
import { type System, bearable, caughtUp, startSystem, topicsNamed } from './system.ts'
import { tokenOf } from './token.ts'

const flooded = 'song:flooded'
const others = topicsNamed(8, 'other')
/** The flood is this many times what each of the other topics gets. */
const times = 50
/** What one other lane may let an event wait with the hot consumers frozen and still have no lag, ms: a few times what it takes without load. */
const soonMs = 500

/**
 * Isolation: from the 201 to visible on eight topics while a ninth, promoted one gets 50 times what each of them gets, over the same without. In
 * rounds of three windows, calm, calm, flood, so that calm over calm tells what noise alone does. Then the hot consumers are frozen.
 */
export async function isolation(bench: Bench): Promise<Row[]> {
  const [rounds, samples, seconds] = bench.isShort ? [2, 100, 1] : [7, 5_000, 4]
  const system = await startSystem(bench, 'isolation')
  try {
    const capacity = Math.max(bench.isShort ? 500 : 0, await bearable(system, { seconds, runs: bench.isShort ? 1 : 3 }))
    const watched = await bearableProbes(system.api.line, others, seconds)
    const each = Math.min(20, 1 / 2 / (times / capacity + others.length / watched))
    const perSecond = each * others.length
    const rate = each * times
    bench.say(
      `bears ${Math.round(capacity)} comments/s, or ${Math.round(watched)} watched until seen; ${each.toFixed(1)}/s on each of ${others.length} topics, the flood ${Math.round(rate)}/s`,
    )
    await promote(system.redis, system.keys, flooded)
    const windowS = Math.ceil((1.5 * samples) / perSecond) + 30
    const calm = async () => p99Of(await probe(system.api.line, others, { count: samples, perSecond }))
    const cores: string[] = []
    const floods: number[] = []
    const beside = async () => {
      const flood = await startFlood(system, rate, windowS)
      const [used, before, startedMs] = [coresUsed(system.pids), await floodedEvents(system), performance.now()]
      const p99 = await calm()
      cores.push(used())
      floods.push(((await floodedEvents(system)) - before) / ((performance.now() - startedMs) / 1_000))
      await flood.stop()
      await caughtUp(system)
      return p99
    }
    await calm()
    const [first, second, flood]: [number[], number[], number[]] = [[], [], []]
    for (let round = 0; round < rounds; round++) {
      // Every other round the other way round: what a window leaves behind falls on both sides.
      const windows = [
        () => calm().then((p99) => first.push(p99)),
        () => calm().then((p99) => second.push(p99)),
        () => beside().then((p99) => flood.push(p99)),
      ]
      for (const window of round % 2 === 0 ? windows : windows.toReversed()) await window()
      bench.say(`round ${round + 1} of ${rounds}: ${[first, second, flood].map((list) => list.at(-1)!.toFixed(1)).join(', ')} ms`)
    }
    const noise = second.map((p99, i) => p99 / first[i]!)
    const ratios = flood.map((p99, i) => p99 / second[i]!)
    const note = `flood over calm ${median(ratios).toFixed(2)} (${spreadOf(ratios)}), A/A ${median(noise).toFixed(2)} (${spreadOf(noise)}); flood ${Math.round(median(floods))}/s, others ${Math.round(perSecond)}/s, looked at every ${lookEveryMs} ms; ${cores.at(-1)}`
    const row = rowAtMost(
      'other topics under a 50× flood, p99',
      { ours: median(flood), floor: median(second), ratios: ratios.map((ratio) => ratio / median(noise)) },
      1.2,
      note,
    )
    return [{ ...row, target: '≤ 1.20 × A/A' }, await frozen(bench, system, { rate, perSecond })]
  } finally {
    await system.stop()
  }
}

const p99Of = (seen: Awaited<ReturnType<typeof probe>>) =>
  percentile(
    seen.map(({ sinceAcceptedMs }) => sinceAcceptedMs),
    99,
  )
const floodedEvents = ({ redis, keys }: System) => redis.xlen(keys.of(flooded).hot(flooded))

async function startFlood(system: System, perSecond: number, seconds: number): Promise<Child> {
  const token = await tokenOf('crowd')
  const flood = await spawnProcess('flood', { url: system.api.line, token, topics: [flooded], perSecond: Math.round(perSecond), seconds })
  await delay(2_000) // in its stride
  return flood
}

/** With the hot consumers frozen: how long an event of the other lanes waits at most, and what is left of them after a moment's peace. */
async function frozen(bench: Bench, system: System, { rate, perSecond }: { rate: number; perSecond: number }): Promise<Row> {
  const seconds = bench.isShort ? 3 : 20
  process.kill(system.hot.pid, 'SIGSTOP')
  try {
    const flood = await startFlood(system, rate, seconds + 30)
    const over = new AbortController()
    const probed = probe(system.api.line, others, { count: Math.round(seconds * perSecond), perSecond }).finally(() => over.abort())
    let longestMs = 0
    while (!over.signal.aborted) {
      longestMs = Math.max(longestMs, (await otherLanes(system)).waitedMs)
      await delay(100)
    }
    const seen = await probed
    await delay(soonMs)
    const left = await otherLanes(system)
    await flood.stop()
    const verdict = left.events === 0 && left.hotEvents > 0 && longestMs < soonMs ? 'ok' : 'ABOVE'
    const note = `${left.hotEvents.toLocaleString('en')} events wait in the hot lane, ${left.events.toLocaleString('en')} in the others, where the longest wait was ${Math.round(longestMs)} ms; p99 to visible ${p99Of(seen).toFixed(1)} ms`
    return {
      question: 'lag of the other lanes, hot frozen',
      ours: `${left.events}, ${Math.round(longestMs)} ms`,
      floor: '',
      ratio: '',
      target: `0, < ${soonMs} ms`,
      verdict,
      note,
    }
  } finally {
    process.kill(system.hot.pid, 'SIGCONT')
  }
}

async function otherLanes({ redis, keys }: System): Promise<{ events: number; waitedMs: number; hotEvents: number }> {
  const rows = await readLag(redis, keys)
  const of = (isHot: boolean) => rows.filter(({ lane }) => (lane === 'hot') === isHot)
  const waiting = (list: typeof rows) => Math.max(...list.map(({ lagEvents, pending }) => (lagEvents ?? Infinity) + pending))
  const waited = of(false).flatMap(({ lagMs, oldestPendingMs }) => [lagMs ?? Infinity, oldestPendingMs ?? 0])
  return { events: waiting(of(false)), waitedMs: Math.max(...waited), hotEvents: waiting(of(true)) }
}
