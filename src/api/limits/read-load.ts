import type { Redis } from 'ioredis'
import { fieldsOf } from '../../events/append.ts'
import { groupNames } from '../../events/groups.ts'
import { positionOfEntry } from '../../events/position.ts'
import type { Keys, PartitionKeys } from '../../redis/keys.ts'
import { memoryIn } from '../../redis/memory.ts'

export type Load = {
  /** Share of maxmemory that is used; 0 where there is no limit. */
  memory: number
  /** Events of the global lane that its slowest group has not been given, over all partitions. */
  globalLag: number
  /** The same of each hotspot's own stream. */
  hotLag: Map<string, number>
}
type Stream = { partition: PartitionKeys; lane: string }
type RawEntry = [id: string, flat: string[]]

/**
 * How full Redis is and how far the consumers are behind: three round trips, about four small commands a partition and three a hotspot.
 * Lag is counted by the entries' own `seq` (decision 16), of the groups every deployment has. Rejects where Redis does not answer.
 */
export async function readLoad(redis: Redis, keys: Keys): Promise<Load> {
  const first = redis.pipeline().info('memory')
  for (const { hotspots } of keys.partitions) first.hkeys(hotspots)
  const [info, ...topics] = await repliesOf<unknown>(first)
  const streams: Stream[] = keys.partitions.flatMap((partition, i) =>
    ['global', ...(topics[i] as string[]).map((topic) => `hot:${topic}`)].map((lane) => ({ partition, lane })),
  )
  const lags = await lagsOf(redis, streams)
  const hotLag = new Map<string, number>()
  let globalLag = 0
  for (const [i, { lane }] of streams.entries()) {
    if (lane === 'global') globalLag += lags[i]!
    else hotLag.set(lane.slice('hot:'.length), lags[i]!)
  }
  return { memory: memoryIn(info as string), globalLag, hotLag }
}

async function lagsOf(redis: Redis, streams: readonly Stream[]): Promise<number[]> {
  const groups = redis.pipeline()
  for (const { partition, lane } of streams) groups.hget(partition.meta, `seq:${lane}`).call('XINFO', 'GROUPS', partition.lane(lane))
  const seen = (await groups.exec()) ?? []
  const next = redis.pipeline()
  for (const [i, { partition, lane }] of streams.entries()) {
    const [error, infos] = seen[2 * i + 1]!
    if (error && !/no such key/.test(error.message)) throw error
    next.xrange(partition.lane(lane), `(${slowest(error ? [] : (infos as string[][]))}`, '+', 'COUNT', 1)
  }
  const entries = await repliesOf<RawEntry[]>(next)
  return entries.map(([entry], i) => {
    const [error, head] = seen[2 * i]!
    if (error) throw error
    return entry ? Math.max(0, Number(head ?? 0) - Number(fieldsOf(entry[1])['seq'] ?? head) + 1) : 0
  })
}

/** The last entry that the group furthest behind was given. Groups of other names may belong to a rebuild, which is slow by nature. */
function slowest(infos: readonly string[][]): string {
  const known: readonly string[] = groupNames
  const delivered = infos.flatMap((flat) => {
    const { name, 'last-delivered-id': id } = fieldsOf(flat)
    return known.includes(name!) ? [id!] : []
  })
  return delivered.reduce((a, b) => (positionOfEntry(a) < positionOfEntry(b) ? a : b), delivered[0] ?? '0-0')
}

async function repliesOf<T>(pipeline: ReturnType<Redis['pipeline']>): Promise<T[]> {
  return ((await pipeline.exec()) ?? []).map(([error, reply]) => {
    if (error) throw error
    return reply as T
  })
}
