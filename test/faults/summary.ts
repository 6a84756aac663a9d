import type { Client } from './client.ts'
import type { Acknowledged } from './load.ts'

export const figuresOf = ({ stats }: Client, { writes }: Acknowledged) => ({
  acknowledged: writes.length,
  repeats: stats.repeats,
  'longest wait of a write, ms': Math.max(...Object.values(stats.longestMs)),
})

/** A line for the release note. */
export function summary(fault: string, figures: Record<string, number | string>): void {
  const text = Object.entries(figures).map(([name, value]) => `${name} ${typeof value === 'number' ? Math.round(value) : value}`)
  process.stderr.write(`faults: ${fault}: ${text.join(', ')}\n`)
}
