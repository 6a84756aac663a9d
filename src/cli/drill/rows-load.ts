import { percentile, sampleNote } from './percentile.ts'
import type { Recorder, Totals } from './recorder.ts'
import { type Row, ms, number, row } from './rows.ts'

const mostLeftOut = 0.01
const leastOfFlood = 0.9

/** Writes of the flood over the landing blocks: accepted, and what its rate comes to. */
export type FloodWrites = { accepted: number; planned: number }

/** What was to be driven was driven: of load that is refused or left out, the other rows would say nothing. */
export function loadRow({ limited, shed, floodRefused, driven, notDriven }: Totals, flood?: FloodWrites): Row {
  const target = `0 refused, ≤ ${100 * mostLeftOut} % left out${flood ? `, flood ≥ ${100 * leastOfFlood} %` : ''}`
  const leftOut = driven > 0 ? notDriven / driven : Number.NaN
  const share = flood && flood.accepted / flood.planned
  const isAsPlanned = limited + shed === 0 && leftOut <= mostLeftOut && (!flood || flood.accepted >= leastAccepted(flood.planned))
  const measured = [
    `${number(limited + shed)} refused`,
    `${(100 * leftOut).toFixed(1)} %`,
    ...(share === undefined ? [] : [`flood ${Math.round(100 * share)} %`]),
  ]
  const note = [
    `refused apart from the flood: ${number(limited)} with 429, ${number(shed)} with 503 overloaded`,
    `${number(notDriven)} left out beside ${number(driven)} that were begun`,
    ...(flood
      ? [
          `the flood's writes in its blocks: ${number(flood.accepted)} accepted of ${number(flood.planned)}, ${number(floodRefused)} refused in the run`,
        ]
      : []),
  ]
  return row('load', 'load as planned', target, measured.join(', '), isAsPlanned, note.join('; '))
}

/** Arrivals are random: of a few, chance alone leaves out more than a tenth. */
const leastAccepted = (planned: number): number => Math.min(leastOfFlood * planned, planned - 3 * Math.sqrt(planned))

/** Every probe was seen, and there were some. */
export function seenRow({ visible, totals }: Pick<Recorder, 'visible' | 'totals'>): Row {
  const measured =
    totals.never > 0
      ? `${number(totals.never)} never`
      : `p99 ${ms(
          percentile(
            visible.map(([, tookMs]) => tookMs),
            0.99,
          ),
        )}`
  const isSeen = totals.never === 0 && visible.length > 0
  return row('seen', 'a comment is seen by another client', 'by everybody', measured, isSeen, sampleNote(visible.length))
}
