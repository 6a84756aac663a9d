import type { Redis } from 'ioredis'
import { infosOf } from '../redis/info.ts'
import type { Stream } from './streams.ts'

/** `lost`: a person has to act. `retired`: its hot topic is not in the table any more. `closed`: its partition is about to be opened. */
export type GroupState = 'there' | 'lost' | 'retired' | 'closed'

/** Why a stream seems to lack a group. Asked in one transaction: a stream can be retired, and its topic promoted again, between two commands. */
export async function groupState(redis: Redis, { key, partition, lane }: Stream, group: string): Promise<GroupState> {
  const topic = lane.startsWith('hot:') ? lane.slice('hot:'.length) : undefined
  const transaction = redis
    .multi()
    .hexists(partition.meta, 'term')
    .hexists(partition.hotspots, topic ?? '')
  const [[, hasTerm], [, isListed], [absent, groups]] = (await transaction.xinfo('GROUPS', key).exec()) as [Error | null, unknown][] as [
    [null, number],
    [null, number],
    [Error | null, unknown],
  ]
  if (!absent && infosOf(groups).some(({ name }) => name === group)) return 'there'
  if (topic !== undefined && isListed === 0) return 'retired'
  return hasTerm === 1 ? 'lost' : 'closed'
}
