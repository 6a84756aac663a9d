import { stat } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { bounded } from './bounded.ts'
import { isTransientMongoError } from './connect.ts'

test('an operation that never ends is a transient failure after its bound', async () => {
  const error = await bounded(20, new Promise(() => {})).catch((caught: unknown) => caught)
  expect(error).toMatchObject({ message: 'MongoDB operation timed out after 20 ms' })
  expect(isTransientMongoError(error)).toBe(true)
})

test('an answer and a refusal pass', async () => {
  expect(await bounded(1_000, Promise.resolve(1))).toBe(1)
  await expect(bounded(1_000, Promise.reject(new Error('no')))).rejects.toThrow('no')
})

test('an answer that came while the process stood still is taken', async () => {
  await new Promise(setImmediate) // from here timers run before anything is read
  const answered = bounded(20, stat('.'))
  for (const startedMs = performance.now(); performance.now() - startedMs < 60;);
  expect((await answered).isDirectory()).toBe(true)
})
