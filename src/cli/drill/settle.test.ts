import { expect, test } from 'vitest'
import type { Run } from './open-run.ts'
import type { LagSample, LaneSample } from './sample-lag.ts'
import { untilCaughtUp } from './settle.ts'

const lane = (waiting: number): LaneSample => ({ waiting, oldestMs: 0, late: 0, acknowledged: 0 })
const runWith = (lag: LagSample[]) =>
  ({
    recorder: { lag },
    stores: { redis: {}, keys: { partitions: [] } },
    settings: { stuckAfterMs: 250 },
    signal: new AbortController().signal,
  }) as unknown as Run
const sampleOf = (waiting: number): LagSample => ({
  atMs: Date.now() + 60_000,
  moved: 0,
  lanes: { global: lane(waiting), priority: lane(0), hot: lane(0) },
})

test('without a sample it does not wait for ever', async () =>
  expect(await untilCaughtUp(runWith([]))).toBe('Redis does not say what waits and nothing moves'))
test('what stays is told', async () => expect(await untilCaughtUp(runWith([sampleOf(3)]))).toBe('3 events wait and nothing moves'))
test('what is not known is not 0', async () =>
  expect(await untilCaughtUp(runWith([sampleOf(Number.NaN)]))).toBe('an unknown number of events wait and nothing moves'))
test('nothing is left', async () => expect(await untilCaughtUp(runWith([sampleOf(0)]))).toBeUndefined())
