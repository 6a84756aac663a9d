/** What the machine was measured to bear: reads and writes a second, each alone. */
export type Capacity = { readsPerSecond: number; writesPerSecond: number }

/** Rates a second. `probes` are posts that are watched until another client sees them; they and their looks are not in the 100:1. */
export type Rates = {
  reads: number
  writes: number
  probes: number
  flood: { reads: number; writes: number }
  /** Of what the machine bears, with the flood. */ busy: number
}

/** A look at the list every few ms until the probe's comment is there. */
const looksPerProbe = 5
/** Fewer would say nothing, on a machine however slow. */
const leastProbes = 10
/**
 * Above it latencies show the queue for the cores and not the system. A request alone costs more than one in a crowd, of which the machine was
 * measured: at 38 % of what it bore, 66 % of two cores were busy.
 */
const busyShare = 0.26
/** From here on more than half of the cores are busy. */
export const crowdedShare = 0.35
/** More would be most of the load; a block of 10 s has 300. */
const mostProbes = 30
/** A topic is promoted from here on in a deployment of the drill's own: low enough for a small machine's flood. */
export const hotWritesPerSecond = 20
const floodWritesAtLeast = 1.5 * hotWritesPerSecond

/**
 * Reads to writes 100:1. The flood has 50 times the writes of the whole site and up to 1,000 times the reads that its topic had, bounded so
 * that with all of it together half of the machine is busy. `share` is the topic's share of the ordinary traffic.
 */
export function ratesFor({ readsPerSecond, writesPerSecond }: Capacity, share: number): Rates {
  const reads = 0.05 * readsPerSecond
  const writes = reads / 100
  const probes = Math.max(leastProbes, Math.min(mostProbes, 0.06 * writesPerSecond, (0.15 * readsPerSecond) / looksPerProbe))
  const floodWrites = Math.max(floodWritesAtLeast, Math.min(50 * writes, 0.1 * writesPerSecond))
  const busy = (reads + probes * looksPerProbe) / readsPerSecond + (writes + probes + floodWrites) / writesPerSecond
  const floodReads = Math.max(0.03 * readsPerSecond, Math.min(1_000 * share * reads, (busyShare - busy) * readsPerSecond))
  return { reads, writes, probes, flood: { reads: floodReads, writes: floodWrites }, busy: busy + floodReads / readsPerSecond }
}

/** The same without a flood: a third of what the machine bears. */
export function soakRatesFor({ readsPerSecond, writesPerSecond }: Capacity): Omit<Rates, 'flood' | 'busy'> {
  const reads = 0.2 * readsPerSecond
  return { reads, writes: reads / 100, probes: Math.min(60, 0.05 * writesPerSecond) }
}
