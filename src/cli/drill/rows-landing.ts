import { percentile, sampleNote, tellable } from './percentile.ts'
import type { Recorder } from './recorder.ts'
import { type Row, mb, ms, notChecked, number, row } from './rows.ts'
import type { BulkheadReading } from './sample-processes.ts'
import { type LagSample, horizonMs, lagEveryMs } from './sample-lag.ts'
import type { HotspotState, Transition } from './watch-hotspot.ts'

const p99 = (samples: readonly number[]) => percentile(samples, 0.99)
const sentences = (...parts: (string | undefined | false)[]): string => parts.filter(Boolean).join('; ')

/** How much more than noise the flood may cost the others, and the most that is taken for noise: a machine that is busy gets no more room. */
const isolationTarget = 1.2
const mostNoise = 1.5
/** Below this percentile the noise of a few samples is larger than what is looked for: a block of a full run has some 330, of a short one 100. */
const leastTellable = 0.98

/**
 * Time to visible on the other topics, flood over the quiet before it, in units of what quiet over quiet came to in the same run. Blocks in turn,
 * the median of their ratios: a machine whose speed drifts slows both sides. Harm that outlasts the floods shows in the quiet blocks: those after
 * the first flood over the two before it, by the same target.
 */
export function isolationRow({ visibleIn, totals }: Pick<Recorder, 'visibleIn' | 'totals'>, isShort: boolean): Row {
  const [id, check, target] = ['isolation', "other topics' visibility p99, flood ÷ quiet", `≤ ${isolationTarget} × A/A`]
  const [quiet, floods] = [visibleIn('quiet'), visibleIn('landing')]
  const p = tellable(Math.min(...[...quiet, ...floods].map(({ length }) => length)))
  const [quietAt, floodAt] = [quiet, floods].map((blocks) => blocks.map((samples) => percentile(samples, p))) as [number[], number[]]
  const { ratio, noise, lasting } = ratiosOf(quietAt, floodAt)
  if (!Number.isFinite(ratio + noise)) return row(id, check, target, 'too few', false, 'a block had no probe that was seen')
  const limit = isolationTarget * Math.min(noise, mostNoise)
  const each = (values: readonly number[]) => values.map((value) => Math.round(value)).join(', ')
  const name = `p${Math.round(100 * p)}`
  const behind = visibleIn('frozen').flat()
  const note = sentences(
    `${name} of quiet blocks ${each(quietAt)} ms, of floods ${each(floodAt)} ms; A/A ${noise.toFixed(2)}, the median${noise > mostNoise ? `, counted as ${mostNoise}` : ''}`,
    Number.isFinite(lasting) && `quiet blocks after the first flood ÷ before it ${lasting.toFixed(2)}`,
    `p50 ${ms(percentile(quiet.flat(), 0.5))} and ${ms(percentile(floods.flat(), 0.5))}`,
    `${sampleNote(quiet.flat().length)} quiet, ${sampleNote(floods.flat().length)} in floods${p < 0.99 ? `: a block has too few for more than a ${name}` : ''}`,
    behind.length > 0 && `behind the backlog p99 ${ms(p99(behind))}`,
    totals.never > 0 && `${number(totals.never)} were not seen in 10 s`,
  )
  const isTold = p >= leastTellable
  const measured = `${lasting > limit && ratio <= limit ? `${lasting.toFixed(2)} after the floods` : ratio.toFixed(2)}${p < 0.99 ? ` (${name})` : ''}`
  const isKept = ratio <= limit && lasting <= limit
  const judged = row(id, check, `≤ ${limit.toFixed(2)} (${isolationTarget} × A/A)`, measured, isTold && isKept, note)
  return isShort && !isTold ? { ...judged, verdict: 'not checked' } : judged
}

/** NaN where a block is lacking. The first two quiet blocks follow each other; from then on a flood follows a quiet block. */
function ratiosOf(quiet: readonly number[], floods: readonly number[]): { ratio: number; noise: number; lasting: number } {
  const ratios = floods.map((flood, i) => flood / quiet[i + 1]!)
  const noises = quiet.slice(1).map((after, i) => Math.max(after / quiet[i]!, quiet[i]! / after))
  const middle = (values: readonly number[]) => (values.every(Number.isFinite) ? percentile(values, 0.5) : undefined) ?? Number.NaN
  return { ratio: middle(ratios), noise: middle(noises), lasting: middle(quiet.slice(2)) / ((quiet[0]! + quiet[1]!) / 2) }
}

type Frozen = { frozenMs: number; backlog: number }

/** Of the lanes that must not notice, while the hot consumers do nothing: seen often enough, and with the backlog there. */
export function lagRow(samples: readonly LagSample[], { frozenMs, backlog }: Frozen): Row {
  const [id, check, target] = ['lag-of-others', 'lag of the other lanes, hot consumers frozen', '0 in every sample']
  if (samples.length === 0) return row(id, check, target, 'no samples', false)
  const late = samples.map(({ lanes: { global, priority } }) => Math.max(global.late, priority.late))
  const behind = late.filter((events) => !(events === 0)).length
  const waiting = samples.map(({ lanes: { global, priority } }) => Math.max(global.waiting, priority.waiting))
  const hot = Math.max(...samples.map(({ lanes }) => lanes.hot.waiting))
  const due = frozenMs / lagEveryMs
  const note = sentences(
    `${number(samples.length)} samples of ${number(due)} that were due; lag is what a group has not acknowledged ${horizonMs} ms after it was seen in the log`,
    `on their way at the most ${number(Math.max(...waiting))}, in the median ${number(percentile(waiting, 0.5)!)}`,
    `the oldest was seen ${ms(Math.max(...samples.map(({ lanes: { global, priority } }) => Math.max(global.oldestMs, priority.oldestMs))))} before`,
    `hot lane up to ${number(hot)}, backlog ${number(backlog)}`,
  )
  const measured = behind === 0 ? '0' : `up to ${number(Math.max(...late))} in ${number(behind)} samples`
  return row(id, check, target, measured, behind === 0 && samples.length >= due / 2 && hot >= backlog, note)
}

const artistTargetMs = 1_000

export function artistRows({ artist }: Pick<Recorder, 'artist'>, waits: string, wanted: number): Row[] {
  return (['post', 'pin'] as const).map((kind) => {
    const [id, check] = [`artist-${kind}`, `artist's ${kind === 'post' ? 'comment' : 'pin'} visible, p99, ${waits}`]
    const samples = artist.map((sample) => (kind === 'post' ? sample.postMs : sample.pinMs))
    const value = p99(samples)
    const note = `${samples.length} samples, so the highest; median ${ms(percentile(samples, 0.5))}`
    return row(
      id,
      check,
      `< ${ms(artistTargetMs)}`,
      ms(value),
      value !== undefined && value < artistTargetMs && samples.length >= wanted,
      note,
    )
  })
}

const promotionTargetMs = 3_000

type Seen = {
  floodAtMs: number
  transitions: readonly Transition[]
  /** When a person promoted it, if one did: what follows is not the controller's. */
  operatorAtMs: number | undefined
  /** At the end, and what is left in its lane. */
  state: HotspotState
  left: number | undefined
}
type Head = [id: string, check: string, target: string]
export function hotspotRows(seen: Seen | undefined): Row[] {
  const promotion: Head = ['promotion', 'promoted after the flood begins', `< ${ms(promotionTargetMs)}`]
  const flapping: Head = ['flapping', 'promotions of the topic', '1']
  const drained: Head = ['drained', 'hot lane drained, hotspot retired or draining', '0 left, not hot']
  if (!seen) return [promotion, flapping, drained].map((each) => notChecked(...each, 'needs REDIS_URL and MONGODB_URL'))
  const { floodAtMs, transitions, operatorAtMs = Infinity, state, left } = seen
  const allPromotions = transitions.filter((each) => each.state === 'hot')
  const promotions = allPromotions.filter(({ atMs }) => atMs < operatorAtMs)
  const tookMs = promotions[0] && promotions[0].atMs - floodAtMs
  const history = transitions.map((each) => `${each.state} after ${((each.atMs - floodAtMs) / 1_000).toFixed(1)} s`).join(', ')
  const end = `${left === undefined || Number.isNaN(left) ? 'unknown' : number(left)} left, ${state === 'none' ? 'retired' : state}`
  return [
    row(...promotion, tookMs === undefined ? 'never' : ms(tookMs), tookMs !== undefined && tookMs >= 0 && tookMs < promotionTargetMs),
    row(...flapping, number(promotions.length), promotions.length === 1, history || 'no change of the hotspot table was seen'),
    row(...drained, allPromotions.length === 0 ? 'never hot' : end, left === 0 && state !== 'hot' && allPromotions.length > 0),
  ]
}

export function bulkheadRow(readings: readonly BulkheadReading[] | undefined): Row {
  const [id, check, target] = ['bulkhead', 'MongoDB reads in flight, most in any API', '≤ its limit']
  if (!readings) return notChecked(id, check, target, 'needs the OPS_PORT of the processes')
  const lacking = readings.filter(({ mostInFlight, limit }) => mostInFlight === undefined || limit === undefined)
  const text = readings.map(({ process, mostInFlight, limit }) => `${process} ${mostInFlight ?? '?'} of ${limit ?? '?'}`).join(', ')
  const isWithin = lacking.length === 0 && readings.every(({ mostInFlight, limit }) => mostInFlight! <= limit!)
  const note = lacking.map(
    ({ process, fault }) =>
      `${process}: ${fault ?? 'ovation_mongo_reads_in_flight_max or ovation_mongo_reads_limit is not in its metrics'}`,
  )
  return row(id, check, target, text, isWithin, note.join('; ') || undefined)
}

/** Of each process of ours: Node's own heap and connections, with caches bounded in bytes. Seen at the rates of two cores: 130 to 230 MB. */
const processBound = 512 * 1_048_576
/** A comment is 520 bytes in the log and up to 740 a pending entry; the feed keeps 300 a topic, likers and idempotency the rest. */
const redisBytesAnEvent = 2_500

type Memory = { memory: Recorder['memory']; redis: { before: number; most: number; events: number } | undefined }
export function memoryRows({ memory, redis }: Memory): Row[] {
  const [id, check] = ['memory', 'peak memory of each process']
  const peaks = new Map<string, number>()
  for (const { name, bytes } of memory) peaks.set(name, Math.max(peaks.get(name) ?? 0, bytes))
  const highest = Math.max(...peaks.values())
  const ofProcesses =
    peaks.size === 0
      ? notChecked(id, check, `≤ ${mb(processBound)}`, 'needs the processes, and /proc')
      : row(
          id,
          check,
          `≤ ${mb(processBound)}`,
          mb(highest),
          highest <= processBound,
          [...peaks].map(([name, bytes]) => `${name} ${mb(bytes)}`).join(', '),
        )
  const [redisId, redisCheck, redisTarget] = ['redis-memory', 'memory of Redis an event, at its peak', `≤ ${number(redisBytesAnEvent)} B`]
  if (!redis || redis.events === 0) return [ofProcesses, notChecked(redisId, redisCheck, redisTarget, 'needs REDIS_URL')]
  const bytes = (redis.most - redis.before) / redis.events
  return [
    ofProcesses,
    row(
      redisId,
      redisCheck,
      redisTarget,
      `${number(bytes)} B`,
      bytes <= redisBytesAnEvent,
      `${mb(redis.before)} before, ${mb(redis.most)} at the most, ${number(redis.events)} events`,
    ),
  ]
}
