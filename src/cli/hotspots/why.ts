import { durationOf } from '../table.ts'
import type { HotspotRow, Hotspots } from './read-hotspots.ts'

export const timeOf = (ms: number): string => new Date(ms).toISOString().replace(/\.\d+Z$/, 'Z')
const count = (n: number): string => n.toLocaleString('en')
const rate = (n: number): string => (n < 10 ? n.toFixed(1) : count(Math.round(n)))

/** Why a topic is hot or is not, in sentences, a line each. */
export function whyText(topic: string, hotspots: Hotspots): string {
  const row = hotspots.rows.find((candidate) => candidate.topic === topic)
  const lines = [...(row ? hotLines(row, hotspots) : ordinaryLines(topic, hotspots))]
  if (!hotspots.isControlled) lines.push('No consumer process runs: nothing is promoted, demoted or retired by itself.')
  return lines.join('\n')
}

function ordinaryLines(topic: string, hotspots: Hotspots): string[] {
  const { limits, nowMs } = hotspots
  const heldMs = hotspots.heldUntilMs(topic)
  const isAbove = hotspots.ratesOf(topic).share >= 1
  const promoted = `promoted from ${count(limits.writesPerSecond)} writes or ${count(limits.readsPerSecond)} reads a second on`
  return [
    `${topic} is not hot: its events go to the global lane.`,
    ratesLine(topic, hotspots),
    heldMs !== undefined
      ? `A person demoted it: not promoted by its rates for ${durationOf(heldMs - nowMs)}.`
      : isAbove && hotspots.rows.length >= limits.topics
        ? `It is above a limit and not promoted: ${limits.topics} topics are hot already, as many as may be (HOT_TOPICS).`
        : isAbove
          ? 'It is above a limit and about to be promoted.'
          : `It is ${promoted}.`,
  ]
}

function hotLines(row: HotspotRow, hotspots: Hotspots): string[] {
  const { topic, state, by, sinceMs, untilMs, rate: atRate } = row
  const { nowMs } = hotspots
  const who = by === 'operator' ? 'a person' : `its ${by}, ${atRate === null ? 'above the limit' : `${rate(atRate)} a second`}`
  const since = `since ${timeOf(sinceMs)} (${durationOf(Math.max(0, nowMs - sinceMs))})`
  return [
    state === 'hot'
      ? `${topic} is hot ${since}: promoted by ${who}${untilMs === null ? '' : `, until ${timeOf(untilMs)}`}.`
      : `${topic} drains: it was hot ${since}, promoted by ${who}; new events go to the global lane.`,
    ratesLine(topic, hotspots),
    endLine(row, hotspots),
    ...row.groups.map(
      ({ group, toRead, inHand }) =>
        `  ${group.padEnd(8)}${toRead === null ? 'how much it has to read is not known' : `${count(toRead)} to read, ${count(inHand)} in hand`}`,
    ),
  ]
}

function ratesLine(topic: string, { ratesOf, limits }: Hotspots): string {
  const { writesPerSecond, readsPerSecond } = ratesOf(topic)
  const of = (now: number, what: string, limit: number) =>
    `${rate(now)} ${what}/s (hot from ${count(limit)}, kept from ${count(Math.ceil(limit / 4))})`
  return `Now ${of(writesPerSecond, 'writes', limits.writesPerSecond)}, ${of(readsPerSecond, 'reads', limits.readsPerSecond)}.`
}

function endLine({ state, by, isWarm, demotedAtMs }: HotspotRow, { nowMs, limits }: Hotspots): string {
  if (state === 'draining') return 'Its stream is removed when every group has applied all of it:'
  if (by === 'operator' && demotedAtMs === null) return 'It stays hot until a person demotes it, whatever its rates. Its stream:'
  if (by === 'operator')
    return `It is demoted in ${durationOf(Math.max(0, demotedAtMs! - nowMs))}, unless it is above a limit then. Its stream:`
  if (isWarm) return `It is demoted when both rates have been below a quarter for ${durationOf(limits.coolDownMs)}. Its stream:`
  return `Both rates are below a quarter: demoted in ${durationOf(Math.max(0, demotedAtMs! - nowMs))} if they stay there. Its stream:`
}
