import { pino } from 'pino'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createSparingLog } from './sparing-log.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function createLog() {
  const lines: { id: string; leftOut?: number }[] = []
  const say = createSparingLog(pino({ base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line) as never) }))
  return { lines, say: (kind: string, id: string) => say(kind, { level: 'warn', fields: { id }, message: 'refused' }) }
}

test('of many lines of a kind the first is logged at once, then the last of each second with how many were left out', () => {
  const { lines, say } = createLog()
  for (let n = 1; n <= 5; n++) say('unavailable', `a${n}`)
  expect(lines).toMatchObject([{ level: 40, id: 'a1', msg: 'refused' }])
  vi.advanceTimersByTime(1_000)
  say('unavailable', 'b1')
  vi.advanceTimersByTime(1_000)
  expect(lines.map(({ id, leftOut }) => [id, leftOut])).toEqual([
    ['a1', undefined],
    ['a5', 3],
    ['b1', undefined],
  ])
})

test('kinds do not wait for one another, nor does a line that comes alone', () => {
  const { lines, say } = createLog()
  say('unavailable', 'a')
  say('internal', 'b')
  vi.advanceTimersByTime(1_000)
  say('unavailable', 'c')
  expect(lines.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
})
