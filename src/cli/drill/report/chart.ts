import type { Phase } from '../recorder.ts'
import { number } from '../rows.ts'
import { decades, linear, logarithmic, secondsStep } from './scale.ts'

export type Point = [atMs: number, value: number | undefined]
export type Series = { name: string; color: string; points: readonly Point[]; shape?: 'line' | 'dots' }
export type Chart = {
  title: string
  unit: string
  series: readonly Series[]
  phases: readonly Phase[]
  fromMs: number
  toMs: number
  /** A line that nothing of a kind should be above. */
  limit?: { value: number; label: string }
}

const width = 960
const height = 210
const left = 62
const right = 12
const top = 26
const bottom = 24

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

/** One chart as a figure: phases as bands, series over time on a logarithmic axis, the values of a second when one points at it. */
export function chartOf({ title, unit, series, phases, fromMs, toMs, limit }: Chart): string {
  const values = series.flatMap(({ points }) => points.flatMap(([, value]) => value ?? []))
  const ticks = decades(Math.max(1, limit?.value ?? 0, ...values))
  const x = linear(fromMs, toMs, left, width - right)
  const y = logarithmic(ticks.at(-1)!, height - bottom, top)
  const parts = [
    ...phases.map((phase, i) => bandOf(phase, i, x, toMs, phases.findIndex(({ name }) => name === phase.name) === i)),
    ...ticks.map((tick) => gridLine(tick, y(tick))),
    ...timeMarks(fromMs, toMs, x),
    ...(limit ? [limitLine(limit, y(limit.value))] : []),
    ...series.map(({ color, points, shape }) => (shape === 'dots' ? dotsOf(color, points, x, y) : lineOf(color, points, x, y))),
    ...pointersOf(series, fromMs, toMs, x, unit),
  ]
  const legend = series.map(({ name, color }) => `<span><i class="${color}"></i>${escaped(name)}</span>`).join('')
  return `<figure>
<figcaption><b>${escaped(title)}</b><small>${escaped(unit)}</small><span class="legend">${legend}</span></figcaption>
<svg viewBox="0 0 ${width} ${height}" role="img" aria-label="${escaped(title)}">${parts.join('\n')}</svg>
</figure>`
}

const round = (n: number): number => Math.round(n * 10) / 10

function bandOf({ name, startMs, endMs }: Phase, i: number, x: (ms: number) => number, toMs: number, isFirst: boolean): string {
  const [from, to] = [x(startMs), x(Math.min(endMs, toMs))]
  // Floods come in narrow bands: the first one names them all.
  const isNamed = name === 'landing' ? isFirst : to - from > 5.5 * name.length + 4
  const label = isNamed ? `<text x="${round(from + 4)}" y="${top - 8}" class="phase">${escaped(name)}</text>` : ''
  const kind = name === 'frozen' ? 'frozen' : name === 'landing' ? 'landing' : i % 2 === 0 ? 'even' : 'odd'
  return `<rect x="${round(from)}" y="${top - 20}" width="${round(Math.max(0, to - from))}" height="${height - bottom - top + 20}" class="band ${kind}"><title>${escaped(name)}</title></rect>${label}`
}

const gridLine = (tick: number, at: number): string =>
  `<line x1="${left}" x2="${width - right}" y1="${round(at)}" y2="${round(at)}" class="grid"/><text x="${left - 8}" y="${round(at + 4)}" class="tick">${number(tick)}</text>`

function timeMarks(fromMs: number, toMs: number, x: (ms: number) => number): string[] {
  const seconds = (toMs - fromMs) / 1_000
  const step = secondsStep(seconds)
  return Array.from({ length: Math.floor(seconds / step) + 1 }, (_, i) => {
    const at = i * step
    const label = seconds > 300 ? `${Math.floor(at / 60)}:${String(at % 60).padStart(2, '0')}` : `${at} s`
    const place = x(fromMs + at * 1_000)
    return place > width - right - 16 ? '' : `<text x="${round(place)}" y="${height - 6}" class="time">${label}</text>`
  })
}

const limitLine = ({ label }: { label: string }, at: number): string =>
  `<line x1="${left}" x2="${width - right}" y1="${round(at)}" y2="${round(at)}" class="limit"/><text x="${width - right - 4}" y="${round(at - 4)}" class="limit-label">${escaped(label)}</text>`

/** Broken where nothing was seen. */
function lineOf(color: string, points: readonly Point[], x: (ms: number) => number, y: (value: number) => number): string {
  let path = ''
  let isOpen = false
  for (const [atMs, value] of points) {
    if (value === undefined || Number.isNaN(value)) isOpen = false
    else {
      path += `${isOpen ? 'L' : 'M'}${round(x(atMs))} ${round(y(value))}`
      isOpen = true
    }
  }
  return `<path d="${path}" class="line ${color}"/>`
}

const dotsOf = (color: string, points: readonly Point[], x: (ms: number) => number, y: (value: number) => number): string =>
  points
    .map(([atMs, value]) =>
      value === undefined ? '' : `<circle cx="${round(x(atMs))}" cy="${round(y(value))}" r="2.6" class="dot ${color}"/>`,
    )
    .join('')

/** Without a script: a strip for each moment, whose title the browser shows. */
function pointersOf(series: readonly Series[], fromMs: number, toMs: number, x: (ms: number) => number, unit: string): string[] {
  const strips = 160
  const wide = (toMs - fromMs) / strips
  return Array.from({ length: strips }, (_, i) => {
    const [start, end] = [fromMs + i * wide, fromMs + (i + 1) * wide]
    const lines = series.flatMap(({ name, points }) => {
      const within = points.flatMap(([atMs, value]) => (value !== undefined && atMs >= start && atMs < end ? value : []))
      return within.length === 0 ? [] : [`${name}: ${number(Math.max(...within))} ${unit}`]
    })
    if (lines.length === 0) return ''
    const at = `${Math.round((start - fromMs) / 1_000)} s`
    return `<rect x="${round(x(start))}" y="${top}" width="${round(x(end) - x(start))}" height="${height - top - bottom}" class="pointer"><title>${escaped([at, ...lines].join('\n'))}</title></rect>`
  })
}
