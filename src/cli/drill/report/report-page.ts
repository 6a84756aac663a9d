import type { Recorder } from '../recorder.ts'
import { type Row, isFine, verdictOf } from '../rows.ts'
import { type Chart, chartOf, escaped } from './chart.ts'
import { acknowledgedIn, requestsBySecond, visibleBySecond, waitingIn } from './series.ts'
import { style } from './style.ts'

export type Report = { kind: string; rows: readonly Row[]; driven: readonly string[]; recorder: Recorder; startedAt: Date }

/** Points that fit a chart without hiding each other. */
const mostPoints = 400

/** One page with everything in it: the table, and what happened over time by lane. No script, nothing from elsewhere. */
export function reportPage({ kind, rows, driven, recorder, startedAt }: Report): string {
  const verdict = verdictOf(rows)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Drill: ${kind}, ${verdict}</title>
<style>${style}</style>
<main>
<header>
<h1>Drill: ${kind}</h1>
<p class="verdict ${rows.every(isFine) ? 'ok' : 'failed'}">${verdict}</p>
<p class="facts">${startedAt.toISOString().slice(0, 16).replace('T', ' ')} UTC · ${driven.map(escaped).join(' · ')}</p>
</header>
${chartsOf(recorder).map(chartOf).join('\n')}
<table>
<thead><tr><th>Check<th>Measured<th>Target<th>Verdict</thead>
<tbody>
${rows.map(rowOf).join('\n')}
</tbody>
</table>
</main>
</html>
`
}

const classOf = { ok: 'ok', FAILED: 'failed', 'not checked': 'unchecked' } as const
const rowOf = ({ check, measured, target, verdict, note }: Row): string =>
  `<tr><td>${escaped(check)}${note ? `<small>${escaped(note)}</small>` : ''}<td>${escaped(measured)}<td>${escaped(target)}<td class="${classOf[verdict]}">${verdict}`

function chartsOf(recorder: Recorder): Chart[] {
  const { phases } = recorder
  const fromMs = phases[0]?.startMs ?? 0
  const toMs = Math.max(...[recorder.seconds.at(-1)?.atMs, recorder.lag.at(-1)?.atMs].flatMap((atMs) => atMs ?? []), fromMs + 1_000)
  const stepMs = Math.max(1_000, Math.ceil((toMs - fromMs) / mostPoints / 1_000) * 1_000)
  const lanes = (of: typeof waitingIn) => [
    { name: 'hot lane', color: 'hot', points: of(recorder, 'hot', stepMs) },
    { name: 'global lane', color: 'global', points: of(recorder, 'global', stepMs) },
    { name: 'priority lane', color: 'priority', points: of(recorder, 'priority', stepMs) },
  ]
  const charts: Omit<Chart, 'phases' | 'fromMs' | 'toMs'>[] = [
    { title: 'Lag: not acknowledged by the slowest group', unit: 'events', series: lanes(waitingIn) },
    {
      title: 'From sending a comment until another client sees it',
      unit: 'ms',
      limit: { value: 1_000, label: "the artist's limit: 1 s" },
      series: [
        { name: 'other topics, p99', color: 'global', points: visibleBySecond(recorder, 0.99, stepMs) },
        { name: 'other topics, median', color: 'pale', points: visibleBySecond(recorder, 0.5, stepMs) },
        {
          name: "the artist's comment",
          color: 'priority',
          shape: 'dots',
          points: recorder.artist.map(({ atMs, postMs }) => [atMs, postMs]),
        },
        { name: "the artist's pin", color: 'pin', shape: 'dots', points: recorder.artist.map(({ atMs, pinMs }) => [atMs, pinMs]) },
      ],
    },
    { title: 'Throughput: acknowledged by every group', unit: 'events/s', series: lanes(acknowledgedIn) },
    {
      title: 'Requests answered',
      unit: 'a second',
      series: [
        { name: 'reads', color: 'global', points: requestsBySecond(recorder, 'reads', stepMs) },
        { name: 'writes', color: 'hot', points: requestsBySecond(recorder, 'writes', stepMs) },
      ],
    },
    {
      title: 'Latency of requests, p99 of each second',
      unit: 'ms',
      series: [
        { name: 'reads', color: 'global', points: requestsBySecond(recorder, 'readP99Ms', stepMs) },
        { name: 'writes', color: 'hot', points: requestsBySecond(recorder, 'writeP99Ms', stepMs) },
      ],
    },
  ]
  return charts.map((chart) => ({ ...chart, phases, fromMs, toMs }))
}
