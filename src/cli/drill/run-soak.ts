import { setTimeout as delay } from 'node:timers/promises'
import { measureCapacity } from './calibrate-run.ts'
import { exactRows } from './rows-exact.ts'
import type { Run } from './open-run.ts'
import { percentile } from './percentile.ts'
import { soakRatesFor } from './rates.ts'
import { loadRow, seenRow } from './rows-load.ts'
import { type Row, mb, notChecked, number, row } from './rows.ts'
import type { Recorder } from './recorder.ts'
import { untilCaughtUp } from './settle.ts'
import { verifyRun } from './verify-run.ts'

/** Ordinary traffic for a long time. Resolves with the table. */
export async function runSoak(run: Run): Promise<{ rows: Row[]; driven: string[] }> {
  const { settings, generator, recorder, stores, progress, signal } = run
  recorder.begin('warm-up')
  const rates = soakRatesFor(await measureCapacity(run))
  const driven = [`${number(rates.reads)} reads/s, ${rates.writes.toFixed(1)} writes/s (100:1), and ${number(rates.probes)} probes/s`]
  for (const line of driven) progress.say(line)
  await generator.ask('drive', { reads: rates.reads, writes: rates.writes, probes: rates.probes, flood: null })
  recorder.begin('soak')
  await delay(settings.soakMs, undefined, { signal })
  await generator.ask('quiesce', null)
  recorder.begin('settling')
  const left = await untilCaughtUp(run)
  progress.say('comparing every read model with what was acknowledged')
  return {
    driven,
    rows: [
      ...exactRows({ ...(await verifyRun(run)), ledger: run.ledger, totals: recorder.totals }),
      stores
        ? row('lag-at-end', 'lag of all lanes at the end', '0', left ?? '0', left === undefined)
        : notChecked('lag-at-end', 'lag of all lanes at the end', '0', 'needs REDIS_URL and MONGODB_URL'),
      loadRow(recorder.totals),
      seenRow(recorder),
      growthRow(recorder),
    ],
  }
}

/** Heaps breathe; what grows beyond this in the second half of a soak would not stop. */
const mostGrowth = 0.2
const breathBytes = 32 * 1_048_576

/** Of each process, the last quarter over the second: the first one warms up. */
export function growthRow({ memoryIn, phases }: Pick<Recorder, 'memoryIn' | 'phases'>): Row {
  const [id, check, target] = [
    'memory-growth',
    'memory of each process, last quarter over second',
    `≤ ${1 + mostGrowth}, or ${mb(breathBytes)} more`,
  ]
  const soak = phases.find(({ name }) => name === 'soak')
  const all = memoryIn('soak')
  if (!soak || all.length === 0) return notChecked(id, check, target, 'needs the processes, and /proc')
  const quarter = (soak.endMs - soak.startMs) / 4
  const medianOf = (name: string, nth: number) =>
    percentile(
      all
        .filter((each) => each.name === name && Math.min(3, Math.floor((each.atMs - soak.startMs) / quarter)) === nth)
        .map(({ bytes }) => bytes),
      0.5,
    ) ?? 0
  const growths = [...new Set(all.map(({ name }) => name))].map((name) => ({ name, before: medianOf(name, 1), after: medianOf(name, 3) }))
  const worst = growths.reduce((a, b) => (b.after / b.before > a.after / a.before ? b : a))
  const isFine = growths.every(({ before, after }) => after <= before * (1 + mostGrowth) || after - before <= breathBytes)
  return row(
    id,
    check,
    target,
    `${(worst.after / worst.before).toFixed(2)} (${worst.name})`,
    isFine,
    growths.map(({ name, before, after }) => `${name} ${mb(before)} → ${mb(after)}`).join(', '),
  )
}
