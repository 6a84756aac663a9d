import type { Redis } from 'ioredis'
import { groupNames } from '../../events/groups.ts'
import type { Keys } from '../../redis/keys.ts'
import { type LaneKind, laneKinds } from '../../consumers/streams.ts'

/** One lane at one moment: what its slowest group has not acknowledged. */
export type LaneSample = {
  waiting: number
  /** Since the oldest of them was first seen in the log, ms, in steps of the sampling. */
  oldestMs: number
  /** Those that have waited for longer than anything on its way does. */
  late: number
  acknowledged: number
}
export type LagSample = {
  atMs: number
  lanes: Record<LaneKind, LaneSample>
  /** By all groups together: whether anything moves. */ moved: number
}

/** How often, ms. */
export const lagEveryMs = 200
/**
 * What was first seen more recently is on its way, what is older is lag, ms. An event waits for one linger (20 ms) and the batches in hand; the rest
 * is what a busy machine needs to give every process its turn.
 */
export const horizonMs = 500

type Stream = { key: string; kind: LaneKind }
type Progress = { appended: number; acknowledged: number }

/**
 * Samples of each lane from Redis' own counters: 2 commands a stream. A stream that is gone has been retired: everything in it was acknowledged.
 * Rejects where Redis says anything else: such a sample is lacking.
 */
export function createLagSampler(redis: Redis, keys: Keys, hotTopic: string) {
  const hotKey = keys.of(hotTopic).hot(hotTopic)
  const streams: Stream[] = [
    ...keys.partitions.flatMap((partition) => [
      { key: partition.lane('global'), kind: 'global' as const },
      { key: partition.lane('priority'), kind: 'priority' as const },
    ]),
    { key: hotKey, kind: 'hot' as const },
  ]
  /** `<stream> <group>` to how much had been appended, by time; only what is not acknowledged yet. */
  const heads = new Map<string, { atMs: number; appended: number }[]>()
  /** What a retired stream had come to. */
  const retired = new Map<string, number>()
  const last = new Map<string, number>()

  function waitingOf(name: string, atMs: number, { appended, acknowledged }: Progress): Omit<LaneSample, 'acknowledged'> {
    const seen = (heads.get(name) ?? []).filter((head) => !(head.appended <= acknowledged))
    if (!(appended <= acknowledged)) seen.push({ atMs, appended })
    heads.set(name, seen)
    const late = seen.findLast((head) => head.atMs < atMs - horizonMs)
    return { waiting: appended - acknowledged, oldestMs: seen[0] ? atMs - seen[0].atMs : 0, late: late ? late.appended - acknowledged : 0 }
  }

  return async function sample(): Promise<LagSample> {
    const pipeline = redis.pipeline()
    for (const { key } of streams) pipeline.xlen(key).xinfo('GROUPS', key)
    const replies = (await pipeline.exec()) ?? []
    for (const [error] of replies) if (error && !isGone(error)) throw error
    const atMs = Date.now()
    const lanes = { priority: nothing(), global: nothing(), hot: nothing() }
    let moved = 0
    for (const [i, group] of groupNames.entries()) {
      const ofGroup = readGroup(group, replies, atMs)
      for (const kind of laneKinds) moved += ofGroup[kind].acknowledged
      for (const kind of laneKinds) lanes[kind] = i === 0 ? ofGroup[kind] : slowerOf(lanes[kind], ofGroup[kind])
    }
    return { atMs, lanes, moved }
  }

  function readGroup(group: string, replies: readonly [Error | null, unknown][], atMs: number): LagSample['lanes'] {
    const lanes = { priority: nothing(), global: nothing(), hot: nothing() }
    for (const [i, { key, kind }] of streams.entries()) {
      const [, length] = replies[2 * i]!
      const [error, infos] = replies[2 * i + 1]!
      const name = `${key} ${group}`
      if (error) {
        retired.set(name, (retired.get(name) ?? 0) + (last.get(name) ?? 0))
        last.delete(name)
        heads.delete(name)
      } else {
        const progress = progressOf(infos as unknown[][], group, Number(length))
        const { waiting, oldestMs, late } = waitingOf(name, atMs, progress)
        const lane = lanes[kind]
        lanes[kind] = {
          waiting: lane.waiting + waiting,
          oldestMs: Math.max(lane.oldestMs, oldestMs),
          late: lane.late + late,
          acknowledged: lane.acknowledged + progress.acknowledged,
        }
        last.set(name, progress.acknowledged)
      }
      lanes[kind].acknowledged += retired.get(name) ?? 0
    }
    return lanes
  }
}

const slowerOf = (a: LaneSample, b: LaneSample): LaneSample => ({
  waiting: Math.max(a.waiting, b.waiting),
  oldestMs: Math.max(a.oldestMs, b.oldestMs),
  late: Math.max(a.late, b.late),
  acknowledged: Math.min(a.acknowledged, b.acknowledged),
})
const nothing = (): LaneSample => ({ waiting: 0, oldestMs: 0, late: 0, acknowledged: 0 })

const isGone = ({ message }: Error): boolean => message.includes('no such key')

/** NaN is what is not known: a row that rests on it fails. */
function progressOf(infos: readonly unknown[][], group: string, length: number): Progress {
  const info = infos
    .map((flat) => new Map(flat.flatMap((value, i) => (i % 2 === 0 ? [[value, flat[i + 1]] as const] : []))))
    .find((each) => each.get('name') === group)
  if (!info) return length === 0 ? { appended: 0, acknowledged: 0 } : { appended: Number.NaN, acknowledged: Number.NaN }
  const known = (name: string) => Number(info.get(name) ?? Number.NaN)
  const read = info.get('last-delivered-id') === '0-0' ? 0 : known('entries-read')
  return { appended: read + known('lag'), acknowledged: read - known('pending') }
}
