import { expect, test } from 'vitest'
import { type Level, isShed, lagSteps, levelAt, memorySteps } from './levels.ts'
import { memoryIn } from '../../redis/memory.ts'

/** The levels that a value takes on its way. */
const along = (values: readonly number[], steps = memorySteps) =>
  values.reduce<Level[]>((levels, value) => [...levels, levelAt(value, steps, levels.at(-1))], [])

test('likes and reports are given up first, comments next', () => {
  const shedAt = (level: Level) => (['comments', 'likes', 'reports'] as const).filter((name) => isShed(name, level))
  expect([0, 1, 2].map((level) => shedAt(level as Level))).toEqual([[], ['likes', 'reports'], ['comments', 'likes', 'reports']])
})

test('memory: from 75 and 85 % on, until it is well below', () => {
  expect(along([0.74, 0.75, 0.84, 0.85, 0.8, 0.79, 0.7, 0.69])).toEqual([0, 1, 1, 2, 2, 1, 1, 0])
})

test('a value that hovers changes nothing', () => {
  expect(along([0.75, 0.749, 0.75, 0.749])).toEqual([1, 1, 1, 1])
})

test('lag: from the given number and three times that on, until half of it', () => {
  expect(along([99, 100, 300, 150, 149, 50, 49], lagSteps(100))).toEqual([0, 1, 2, 2, 1, 1, 0])
})

test('memory is counted as Redis counts it', () => {
  const info = 'used_memory:900\r\nused_memory_rss:5000\r\nmaxmemory:1000\r\nmem_not_counted_for_evict:100\r\n'
  expect(memoryIn(info)).toBe(0.8)
  expect(memoryIn('used_memory:900\r\nmaxmemory:0\r\n')).toBe(0)
})
