/** The smallest sample that at least the share `p` of all samples do not exceed (nearest rank); undefined where there is none. */
export function percentile(samples: readonly number[], p: number): number | undefined {
  if (samples.length === 0) return undefined
  const sorted = Float64Array.from(samples).sort()
  return sorted[Math.max(0, Math.ceil(p * sorted.length) - 1)]
}

/** Fewer samples above a percentile than these would be a few accidents. */
const leastAbove = 5

/** The highest percentile, p99 at most, that so many samples can tell: 500 or more for a p99. */
export const tellable = (count: number): number => Math.max(0.5, Math.min(0.99, Math.floor(100 * (1 - leastAbove / count)) / 100))

/** From here on a p99 rests on fifty samples above it or more. */
const enoughForP99 = 5_000

/** How many samples, in words, where they are fewer than a p99 should have. */
export const sampleNote = (count: number): string => `${count.toLocaleString('en')} samples${count >= enoughForP99 ? '' : ' only'}`
