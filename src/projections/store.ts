import type { Collections } from '../mongo/collections.ts'
import { archive, documentOf } from './archive.ts'
import { applyToComments } from './comments.ts'
import { applyToLikes } from './likes-per-user.ts'
import type { Projection } from './projection.ts'

/** MongoDB: the archive of events first, then comments and likes, which therefore never show what the archive lacks. */
export const createStore = ({ events, comments, likes }: Collections): Projection => ({
  group: 'store',
  acknowledges: false,
  async apply(batches) {
    const recorded = batches.flatMap(({ deliveries }) => deliveries.map(({ event }) => event))
    await archive(
      events,
      batches.flatMap(({ partition, deliveries }) => deliveries.map((delivery) => documentOf(partition.partition, delivery))),
    )
    await Promise.all([applyToComments(comments, recorded), applyToLikes(likes, recorded)])
  },
})
