import type { LaneKind } from '../../../consumers/streams.ts'
import { percentile } from '../percentile.ts'
import type { Recorder } from '../recorder.ts'
import type { Point } from './chart.ts'

/** Values of each `stepMs`, put together. */
function bySteps(
  samples: readonly (readonly [number, number])[],
  stepMs: number,
  together: (values: number[]) => number | undefined,
): Point[] {
  const steps = new Map<number, number[]>()
  for (const [atMs, value] of samples) {
    const step = Math.floor(atMs / stepMs)
    const values = steps.get(step) ?? []
    values.push(value)
    steps.set(step, values)
  }
  return [...steps].sort(([a], [b]) => a - b).map(([step, values]) => [(step + 0.5) * stepMs, together(values)])
}

const highest = (values: readonly number[]) => Math.max(...values)

export const waitingIn = ({ lag }: Recorder, lane: LaneKind, stepMs: number): Point[] =>
  bySteps(
    lag.map(({ atMs, lanes }) => [atMs, lanes[lane].waiting] as const),
    stepMs,
    highest,
  )

/** Events a second that every group is done with. */
export function acknowledgedIn({ lag }: Recorder, lane: LaneKind, stepMs: number): Point[] {
  const last = bySteps(
    lag.map(({ atMs, lanes }) => [atMs, lanes[lane].acknowledged] as const),
    stepMs,
    highest,
  )
  return last.flatMap(([atMs, value], i): Point[] => {
    const [beforeMs, before] = last[i - 1] ?? [0, undefined]
    return before === undefined || value === undefined ? [] : [[atMs, Math.max(0, ((value - before) / (atMs - beforeMs)) * 1_000)]]
  })
}

export const visibleBySecond = ({ visible }: Recorder, p: number, stepMs: number): Point[] =>
  bySteps(visible, stepMs, (values) => percentile(values, p))

export const requestsBySecond = ({ seconds }: Recorder, of: 'reads' | 'writes' | 'readP99Ms' | 'writeP99Ms', stepMs: number): Point[] =>
  bySteps(
    seconds.flatMap((second) => (second[of] === undefined ? [] : [[second.atMs, second[of]] as const])),
    stepMs,
    highest,
  )
