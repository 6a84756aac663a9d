import { type Column, tableOf } from '../table.ts'
import type { ImportReport } from './import-youtube.ts'
import type { DatedRow, RefusedRow } from './youtube-rows.ts'

/** The rows that a person has to know about, and the sums. */
export function reportText({ topic, read, taken, repeated, refused, datedLikeNeighbour, tookMs }: ImportReport): string {
  const sums = tableOf(
    [
      { head: 'TOPIC', value: () => topic },
      { head: 'READ', value: () => read },
      { head: 'TAKEN', value: () => taken },
      { head: 'REPEATED', value: () => repeated },
      { head: 'REFUSED', value: () => refused.length },
      { head: 'TOOK', value: () => `${(tookMs / 1_000).toFixed(1)}s` },
    ],
    [topic],
  )
  const columns: Column<DatedRow | RefusedRow>[] = [
    { head: 'ROW', value: ({ row }) => row },
    { head: 'COMMENT_ID', value: ({ id }) => id || '-' },
  ]
  const dated = tableOf<DatedRow>(
    [...columns, { head: 'DATED', value: ({ writtenAt }) => new Date(writtenAt).toISOString() }],
    datedLikeNeighbour,
  )
  const why = tableOf<RefusedRow>([...columns, { head: 'REASON', value: ({ reason }) => reason }], refused)
  return [
    sums,
    ...(datedLikeNeighbour.length > 0 ? [`\nWithout a readable date, dated like the row before (the first like the next):\n${dated}`] : []),
    ...(refused.length > 0 ? [`\nRefused (the header is row 1):\n${why}`] : []),
  ].join('\n')
}
