import type { Entry, Recorded } from '../events/recorded.ts'
import type { PartitionKeys } from '../redis/keys.ts'

/** An entry of one stream with the event it holds. */
export type Delivery = { entry: Entry; event: Recorded }

/** Entries of one stream, delivered to one group. Any of them may have been delivered before, in any order. */
export type Batch = { partition: PartitionKeys; lane: string; deliveries: readonly Delivery[] }

/** A read model as its consumers see it. */
export type Projection = {
  group: string
  /** Whether `apply` acknowledges in the same script as its effect. The runtime acknowledges the others once they are durable. */
  acknowledges: boolean
  /** Running it twice, in another order, or dying half way leaves the same read model. */
  apply(batches: readonly Batch[]): Promise<void>
}
