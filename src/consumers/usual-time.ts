/** A size counts as known after so many writes. */
const leastSamples = 20
/** How far one write moves what is usual, at least: 1 % down or 3 % up, so that it comes to rest where a quarter takes longer. */
const leastStep = 0.01

/**
 * What a write of so many entries usually takes, ms: three out of four take less. A mean would follow the few that take very long, a minimum
 * lies far below what is ordinary. Sizes are kept apart by powers of two, since a batch of 100 says nothing about one of 1.
 */
export function createUsualTime() {
  const sizes: { ms: number; samples: number }[] = []
  const sizeOf = (entries: number) => Math.floor(Math.log2(Math.max(1, entries)))
  return {
    /** Undefined: not known yet. Of a size never seen at rest it is what so many of the next smaller ones take: more than enough. */
    of(entries: number): number | undefined {
      const size = sizeOf(entries)
      for (let smaller = size; smaller >= 0; smaller--) {
        const known = sizes[smaller]
        if (known && known.samples >= leastSamples) return known.ms * 2 ** (size - smaller)
      }
      return undefined
    },
    learn(entries: number, ms: number): void {
      const known = (sizes[sizeOf(entries)] ??= { ms, samples: 0 })
      known.samples += 1
      const step = Math.max(leastStep, 1 / known.samples)
      known.ms *= Math.exp(ms > known.ms ? 3 * step : -step)
    },
  }
}
