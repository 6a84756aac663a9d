import type { Try } from './client.ts'

type Kind = 'reads' | 'writes'
export type Counts = {
  '2xx': number
  '4xx': number
  '5xx': number
  /** No answer: the connection broke. */
  broken: number
  /** Reads that say what they lack. */
  degraded: number
  longestMs: number
}

const nothing = (): Counts => ({ '2xx': 0, '4xx': 0, '5xx': 0, broken: 0, degraded: 0, longestMs: 0 })

/** What readers and writers were answered, try by try, since it was last cleared. */
export function createTally() {
  let counts: Record<Kind, Counts> = { reads: nothing(), writes: nothing() }
  let unexpected: string[] = []
  return {
    add({ call, answer, tookMs }: Try): void {
      const of = counts[call.method === 'GET' ? 'reads' : 'writes']
      of.longestMs = Math.max(of.longestMs, tookMs)
      const status = answer?.status ?? 0
      of[status === 0 ? 'broken' : status < 300 ? '2xx' : status < 500 ? '4xx' : '5xx'] += 1
      if (((answer?.body as { degraded?: unknown[] } | undefined)?.degraded ?? []).length > 0) of.degraded += 1
      if (status >= 400 && (status !== 503 || !answer?.retryAfter)) unexpected.push(`${call.method} ${call.path} ${status} ${answer?.text}`)
    },
    clear(): void {
      counts = { reads: nothing(), writes: nothing() }
      unexpected = []
    },
    get counts() {
      return counts
    },
    /** Refusals other than 503 with Retry-After. */
    get unexpected() {
      return unexpected
    },
  }
}
export type Tally = ReturnType<typeof createTally>

/** Columns as wide as their widest cell. */
export function tableOf(rows: readonly Record<string, string | number>[]): string {
  const names = Object.keys(rows[0] ?? {})
  const lines = [names, ...rows.map((row) => names.map((name) => String(row[name])))]
  const widths = names.map((_, column) => Math.max(...lines.map((cells) => cells[column]!.length)))
  return lines
    .map((cells) => cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join('  '))
    .join('\n')
}
