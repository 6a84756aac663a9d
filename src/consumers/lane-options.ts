import type { GroupName } from '../events/groups.ts'
import type { LaneKind } from './streams.ts'

export type LaneOptions = {
  kind: LaneKind
  /** Entries a batch, at most: more make one script hold Redis up (append p99 7 ms at 200, 30 ms at 2,000). */
  batchSize: number
  /** Batches applied at once: the store works on one while the next is prepared. The hot lane has one. */
  inFlight: number
  /** How long the first entries wait for company, ms: one at a time costs ten times the CPU at 1,000 a second. */
  lingerMs: number
  /** An entry that its consumer has not touched for this long is taken over, ms. */
  claimAfterMs: number
}

/** What the hot lane may take of the store. */
export type HotBudget = {
  /** Entries a batch, at most. */
  batchSize?: number
  /** Share of the time that batches may take, at most. */
  dutyPercent?: number
}

/**
 * The feed is what people see; of a hot topic they see a page that is up to 200 ms old, and what its crowd writes must not take the machine
 * from the others.
 */
const paces = {
  feed: { batchSize: 200, inFlight: 2, lingerMs: { priority: 0, global: 5, hot: 100 } },
  store: { batchSize: 1_000, inFlight: 3, lingerMs: { priority: 0, global: 10, hot: 200 } },
  counts: { batchSize: 200, inFlight: 2, lingerMs: { priority: 0, global: 20, hot: 200 } },
  likes: { batchSize: 200, inFlight: 2, lingerMs: { priority: 0, global: 20, hot: 200 } },
} satisfies Record<GroupName, Pick<LaneOptions, 'batchSize' | 'inFlight'> & { lingerMs: Record<LaneKind, number> }>

/** The hot lane of every group. */
const hotPace = { batchSize: 100, inFlight: 1 }

/** Longest a batch may wait for MongoDB and still count as alive is 10 s (its write timeout): claiming starts later. */
const defaultClaimAfterMs = 15_000

export function laneOptions(
  kind: LaneKind,
  group: GroupName,
  { hot = {}, claimAfterMs = defaultClaimAfterMs }: { hot?: HotBudget; claimAfterMs?: number },
): LaneOptions {
  const { lingerMs, ...pace } = paces[group]
  const size = kind === 'hot' ? { ...hotPace, batchSize: hot.batchSize ?? hotPace.batchSize } : pace
  return { kind, ...size, lingerMs: lingerMs[kind], claimAfterMs }
}
