/** A column: its head, and what it shows of a row. Numbers stand right. */
export type Column<T> = { head: string; value(row: T): string | number }

/** Aligned text, a line a row, under a line of heads. */
export function tableOf<T>(columns: readonly Column<T>[], rows: readonly T[]): string {
  const cells = rows.map((row) => columns.map(({ value }) => value(row)))
  const widths = columns.map(({ head }, i) => Math.max(head.length, ...cells.map((line) => String(line[i]).length)))
  const isRight = columns.map(
    (_, i) => cells.length > 0 && cells.every((line) => typeof line[i] === 'number' || /^(-|\?|[\d.]+[a-z\d]*)$/.test(String(line[i]))),
  )
  const lineOf = (line: readonly (string | number)[]) =>
    line
      .map((cell, i) => (isRight[i] ? String(cell).padStart(widths[i]!) : String(cell).padEnd(widths[i]!)))
      .join('  ')
      .trimEnd()
  return [lineOf(columns.map(({ head }) => head)), ...cells.map(lineOf)].join('\n')
}

/** A duration in the unit a person would name; `-` where there is none. */
export function durationOf(ms: number | null): string {
  if (ms === null) return '-'
  if (ms < 1_000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)}s`
  if (ms < 3_600_000) return `${Math.floor(ms / 60_000)}m${String(Math.floor((ms % 60_000) / 1_000)).padStart(2, '0')}s`
  return `${Math.floor(ms / 3_600_000)}h${String(Math.floor((ms % 3_600_000) / 60_000)).padStart(2, '0')}m`
}
