import { describe, expect, test } from 'vitest'
import type { Totals } from './recorder.ts'
import { artistRows, bulkheadRow, hotspotRows, isolationRow, lagRow, memoryRows } from './rows-landing.ts'
import type { LagSample, LaneSample } from './sample-lag.ts'
import type { HotspotState, Transition } from './watch-hotspot.ts'

describe('isolation', () => {
  const totals = { never: 0 } as Totals
  const block = (ms: number) => Array.from({ length: 1_000 }, (_, i) => (i < 985 ? ms / 4 : ms))
  const of = (quiet: number[], landing: number[]) =>
    isolationRow({ totals, visibleIn: (name) => (name === 'quiet' ? quiet : name === 'landing' ? landing : []).map(block) }, false)

  test('a flood that nobody notices', () => expect(of([40, 40, 40, 40], [41, 42, 39])).toMatchObject({ measured: '1.02', verdict: 'ok' }))
  test('a flood that others notice', () =>
    expect(of([40, 40, 40, 40], [60, 55, 90])).toMatchObject({ measured: '1.50', verdict: 'FAILED' }))
  test('one bad block is an accident', () => expect(of([40, 41, 40, 42], [41, 400, 42]).verdict).toBe('ok'))
  test('noise between quiet blocks is not held against the flood', () => expect(of([40, 60, 40, 60], [50, 70, 60]).verdict).toBe('ok'))
  test('without samples there is no verdict of ok', () => expect(of([], [])).toMatchObject({ verdict: 'FAILED' }))
  test('harm that outlasts the first flood', () => {
    const row = of([40, 40, 400, 400, 400], [400, 400, 400, 400])
    expect(row).toMatchObject({ measured: '10.00 after the floods', verdict: 'FAILED' })
    expect(of([40, 44, 42, 46, 41], [43, 45, 44, 42]).verdict).toBe('ok')
  })
  test('a noisier machine gets no more room', () => {
    const row = of([40, 120, 40, 120], [240, 80, 240])
    expect(row).toMatchObject({ measured: '2.00', target: '≤ 1.80 (1.2 × A/A)', verdict: 'FAILED' })
    expect(row.note).toContain('A/A 3.00, the median, counted as 1.5')
  })
  test('few samples are told, and not judged in a short run; a full one has to have more', () => {
    const recorder: Parameters<typeof isolationRow>[0] = {
      totals,
      visibleIn: (name) => (name === 'frozen' ? [] : Array.from({ length: name === 'quiet' ? 3 : 2 }, () => block(40).slice(0, 50))),
    }
    expect(isolationRow(recorder, true)).toMatchObject({ measured: '1.00 (p90)', verdict: 'not checked' })
    expect(isolationRow(recorder, false)).toMatchObject({ measured: '1.00 (p90)', verdict: 'FAILED' })
  })
})

describe('lag of the other lanes', () => {
  const lane = (more: Partial<LaneSample> = {}): LaneSample => ({ waiting: 0, oldestMs: 0, late: 0, acknowledged: 0, ...more })
  const frozen = { frozenMs: 400, backlog: 100_000 }
  const sample = (global: Partial<LaneSample>, priority: Partial<LaneSample> = {}): LagSample => ({
    atMs: 0,
    moved: 0,
    lanes: { global: lane(global), priority: lane(priority), hot: lane({ waiting: 100_000, late: 100_000 }) },
  })

  test('what is on its way is no lag', () =>
    expect(lagRow([sample({ waiting: 7, oldestMs: 200 })], frozen)).toMatchObject({ measured: '0', verdict: 'ok' }))
  test('what stays is', () => {
    expect(lagRow([sample({}), sample({}, { waiting: 3, late: 2 })], frozen)).toMatchObject({
      measured: 'up to 2 in 1 samples',
      verdict: 'FAILED',
    })
  })
  test('what cannot be known is not 0', () => {
    expect(lagRow([sample({ late: Number.NaN })], frozen).verdict).toBe('FAILED')
    expect(lagRow([], frozen).verdict).toBe('FAILED')
  })
  test('half of the samples have to be there, and all of the backlog', () => {
    expect(lagRow([sample({})], { ...frozen, frozenMs: 600 }).verdict).toBe('FAILED')
    expect(lagRow([sample({})], { ...frozen, backlog: 100_001 }).verdict).toBe('FAILED')
  })
})

test('the artist needs every sample, and each below a second', () => {
  const artist = Array.from({ length: 40 }, () => ({ atMs: 0, postMs: 30, pinMs: 40 }))
  const verdicts = (samples: typeof artist) => artistRows({ artist: samples }, 'behind', 40).map(({ verdict }) => verdict)
  expect(verdicts(artist)).toEqual(['ok', 'ok'])
  expect(verdicts(artist.slice(1))).toEqual(['FAILED', 'FAILED'])
  expect(verdicts([...artist.slice(1), { atMs: 0, postMs: 1_100, pinMs: 40 }])).toEqual(['FAILED', 'ok'])
})

describe('hotspot', () => {
  type Args = [transitions: Transition[], floodAtMs: number, state: HotspotState, left: number | undefined]
  const verdicts = (...[transitions, floodAtMs, state, left]: Args) =>
    hotspotRows({ transitions, floodAtMs, operatorAtMs: undefined, state, left }).map(({ verdict }) => verdict)
  const hot = { atMs: 2_000, state: 'hot' as const }

  test('promoted once, drained, retired', () =>
    expect(verdicts([hot, { atMs: 9_000, state: 'none' }], 0, 'none', 0)).toEqual(['ok', 'ok', 'ok']))
  test('never promoted', () => expect(verdicts([], 0, 'none', 0)).toEqual(['FAILED', 'FAILED', 'FAILED']))
  test('too late', () => expect(verdicts([{ ...hot, atMs: 3_500 }], 0, 'draining', 0)).toEqual(['FAILED', 'ok', 'ok']))
  test('before the flood', () => expect(verdicts([hot], 2_100, 'none', 0)[0]).toBe('FAILED'))
  test('by a person: not promoted by itself, and drained', () => {
    const rows = hotspotRows({ transitions: [hot], floodAtMs: 0, operatorAtMs: 1_900, state: 'none', left: 0 })
    expect(rows.map(({ verdict }) => verdict)).toEqual(['FAILED', 'FAILED', 'ok'])
  })
  test('twice', () => expect(verdicts([hot, { atMs: 3_000, state: 'draining' }, { ...hot, atMs: 4_000 }], 0, 'none', 0)[1]).toBe('FAILED'))
  test('something left, or hot for ever', () => {
    expect(verdicts([hot], 0, 'draining', 1)[2]).toBe('FAILED')
    expect(verdicts([hot], 0, 'draining', Number.NaN)[2]).toBe('FAILED')
    expect(verdicts([hot], 0, 'hot', 0)[2]).toBe('FAILED')
  })
})

test('MongoDB reads are within the limit of every API, or it is not known', () => {
  const verdict = (mostInFlight: number | undefined, limit: number | undefined) =>
    bulkheadRow([
      { process: 'a', mostInFlight: 0, limit: 16 },
      { process: 'b', mostInFlight, limit },
    ]).verdict
  expect([verdict(16, 16), verdict(17, 16), verdict(undefined, 16), verdict(2, undefined)]).toEqual(['ok', 'FAILED', 'FAILED', 'FAILED'])
  expect(bulkheadRow(undefined).verdict).toBe('not checked')
})

test('memory has bounds', () => {
  const of = (mb: number, used: number) =>
    memoryRows({ memory: [{ atMs: 0, name: 'api', bytes: mb * 1_048_576 }], redis: { before: 0, most: used, events: 1_000 } }).map(
      ({ verdict }) => verdict,
    )
  expect(of(200, 1_000_000)).toEqual(['ok', 'ok'])
  expect(of(600, 4_000_000)).toEqual(['FAILED', 'FAILED'])
  expect(memoryRows({ memory: [], redis: undefined }).map(({ verdict }) => verdict)).toEqual(['not checked', 'not checked'])
})
