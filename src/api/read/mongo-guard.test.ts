import { describe, expect, test } from 'vitest'
import { until } from '../../../test/deployment.ts'
import { createMongoGuard } from './mongo-guard.ts'

const limits = { limit: 2, queue: 3, boundMs: 200, failures: 3, openMs: 300 }
const never = () => new Promise<never>(() => {})
const refused = (reads: Promise<unknown>[]) =>
  Promise.allSettled(reads).then((all) => all.filter(({ status }) => status === 'rejected').length)

describe('reads of MongoDB', () => {
  test('are so many at once, and so many wait; the others are refused at once', async () => {
    const guard = createMongoGuard(limits)
    const ends: (() => void)[] = []
    const reads = Array.from({ length: 7 }, () => guard.run(() => new Promise<void>((resolve) => ends.push(resolve))))
    expect(await refused(reads.slice(5))).toBe(2)
    expect(guard.inFlight()).toEqual({ now: 2, peak: 2, limit: 2 })
    const all = Promise.all(reads.slice(0, 5))
    while (ends.length < 5) {
      for (const end of ends) end()
      await new Promise(setImmediate)
    }
    for (const end of ends) end()
    await all
    expect(guard.inFlight()).toEqual({ now: 0, peak: 2, limit: 2 })
  })

  test('end within their bound, the wait for a place included, and give their places back', async () => {
    const guard = createMongoGuard({ ...limits, failures: 100 })
    const begin = performance.now()
    expect(await refused(Array.from({ length: 5 }, () => guard.run(never)))).toBe(5)
    expect(performance.now() - begin).toBeLessThan(350)
    await until(async () => guard.inFlight().now === 0)
    expect(await guard.run(async () => 'back')).toBe('back')
  })

  test('stop after failures in a row, go on when one gets through', async () => {
    const guard = createMongoGuard(limits)
    const gone = () => Promise.reject(new Error('connection timed out'))
    for (let n = 0; n < 3; n++) await guard.run(gone).catch(() => {})
    let reads = 0
    const read = async () => ++reads
    await expect(guard.run(read)).rejects.toThrow()
    expect(reads).toBe(0)
    await until(async () => (await guard.run(read)) > 0)
    await Promise.all([guard.run(read), guard.run(read)])
  })

  test('are not begun for who has gone', async () => {
    const guard = createMongoGuard({ ...limits, limit: 1 })
    let end = () => {}
    const first = guard.run(() => new Promise<void>((resolve) => (end = resolve)))
    let reads = 0
    const second = guard.run(async () => ++reads)
    const begin = performance.now()
    while (performance.now() - begin < limits.boundMs + 10); // no timer can tell anybody
    end()
    await Promise.allSettled([first, second])
    expect(reads).toBe(0)
  })

  test('go on after faults of the question', async () => {
    const guard = createMongoGuard(limits)
    const wrong = () => Promise.reject(new TypeError('cannot read properties'))
    for (let n = 0; n < 9; n++) await guard.run(wrong).catch(() => {})
    expect(await guard.run(async () => 'open')).toBe('open')
  })
})
