import { expect, test } from 'vitest'
import type { Totals } from './recorder.ts'
import { loadRow, seenRow } from './rows-load.ts'
import { notChecked, row, verdictOf } from './rows.ts'

const totals = { limited: 0, shed: 0, floodRefused: 0, driven: 1_000, notDriven: 0, never: 0 } as Totals
const flood = { accepted: 1_000, planned: 1_000 }

test('load that was driven as planned', () => {
  expect(loadRow(totals, flood)).toMatchObject({ measured: '0 refused, 0.0 %, flood 100 %', verdict: 'ok' })
  expect(loadRow({ ...totals, notDriven: 10 })).toMatchObject({ measured: '0 refused, 1.0 %', verdict: 'ok' })
})
test.each<[string, Partial<Totals>, typeof flood]>([
  ['an ordinary write was limited', { limited: 1 }, flood],
  ['an ordinary write was shed', { shed: 1 }, flood],
  ['requests were left out', { notDriven: 11 }, flood],
  ['nothing was driven', { driven: 0 }, flood],
  ['the flood was not there', {}, { ...flood, accepted: 890 }],
])('%s', (_, more, planned) => expect(loadRow({ ...totals, ...more }, planned).verdict).toBe('FAILED'))
test('what the flood was refused is its own affair, and of a small one chance may leave out more', () => {
  expect(loadRow({ ...totals, floodRefused: 90 }, { accepted: 910, planned: 1_000 }).verdict).toBe('ok')
  expect(loadRow(totals, { accepted: 88, planned: 120 }).verdict).toBe('ok')
  expect(loadRow(totals, { accepted: 80, planned: 120 }).verdict).toBe('FAILED')
})

test('every probe is seen, and there are some', () => {
  const verdict = (visible: [number, number][], never: number) => seenRow({ visible, totals: { ...totals, never } }).verdict
  expect([verdict([[0, 30]], 0), verdict([[0, 30]], 1), verdict([], 0)]).toEqual(['ok', 'FAILED', 'FAILED'])
})

test('a table comes to one line', () => {
  const [ok, failed, unchecked] = [row('a', 'a', '0', '0', true), row('b', 'b', '0', '1', false), notChecked('c', 'c', '0', 'why')]
  expect(verdictOf([ok, ok])).toBe('every check passed')
  expect(verdictOf([ok, ok, unchecked])).toBe('2 passed, 1 not checked')
  expect(verdictOf([ok, failed, unchecked])).toBe('1 of 3 checks failed')
})
