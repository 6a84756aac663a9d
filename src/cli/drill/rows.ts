/** What the table shows of one check. `note` is for people. */
export type Row = { id: string; check: string; measured: string; target: string; verdict: Verdict; note?: string }
export type Verdict = 'ok' | 'FAILED' | 'not checked'

export const row = (id: string, check: string, target: string, measured: string, isOk: boolean, note?: string): Row => ({
  id,
  check,
  measured,
  target,
  verdict: isOk ? 'ok' : 'FAILED',
  ...(note ? { note } : {}),
})
export const notChecked = (id: string, check: string, target: string, reason: string): Row => ({
  id,
  check,
  measured: '-',
  target,
  verdict: 'not checked',
  note: reason,
})

export const isFine = ({ verdict }: Row): boolean => verdict !== 'FAILED'

/** What a table comes to, in a line. */
export function verdictOf(rows: readonly Row[]): string {
  const count = (wanted: Verdict) => rows.filter(({ verdict }) => verdict === wanted).length
  const [failed, unchecked] = [count('FAILED'), count('not checked')]
  if (failed > 0) return `${failed} of ${rows.length} checks failed`
  return unchecked > 0 ? `${count('ok')} passed, ${unchecked} not checked` : 'every check passed'
}

export const number = (n: number): string => Math.round(n).toLocaleString('en')
export const ms = (value: number | undefined): string =>
  value === undefined
    ? 'none'
    : value < 10
      ? `${value.toFixed(1)} ms`
      : value < 10_000
        ? `${Math.round(value)} ms`
        : `${(value / 1_000).toFixed(1)} s`
export const mb = (bytes: number): string => `${Math.round(bytes / 1_048_576)} MB`
