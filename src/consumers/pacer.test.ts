import { expect, test } from 'vitest'
import { createPacer } from './pacer.ts'

const times = (count: number, action: () => number) => Array.from({ length: count }, action).at(-1)!

/** Others' writes took 10 ms for long. */
function pacerAtRest() {
  const pacer = createPacer()
  times(50, () => (pacer.observe('global', 10), 0))
  return pacer
}

test('a hot batch is followed by a rest as long as itself: half of the time', () => {
  expect(createPacer().restAfter(20)).toBe(20)
  expect(times(10, () => pacerAtRest().restAfter(20))).toBe(20)
})

test('while the others take more than twice their time the rest doubles, up to twenty times the batch and a second', () => {
  const pacer = pacerAtRest()
  times(10, () => (pacer.observe('global', 40), 0))
  expect([1, 2, 3, 4, 5, 6].map(() => pacer.restAfter(20))).toEqual([40, 80, 160, 320, 400, 400])
  expect(pacer.restAfter(200)).toBe(1_000)
})

test('up to twice their time nothing changes', () => {
  const pacer = pacerAtRest()
  times(100, () => (pacer.observe('global', 19), 0))
  expect(pacer.restAfter(20)).toBe(20)
})

test('when they are quick again it shrinks by a tenth each time, down to the batch', () => {
  const pacer = pacerAtRest()
  times(20, () => (pacer.observe('global', 100), 0))
  times(4, () => pacer.restAfter(20))
  times(30, () => (pacer.observe('global', 10), 0))
  expect(pacer.restAfter(20)).toBeCloseTo(288)
  expect(pacer.restAfter(20)).toBeCloseTo(259.2)
  expect(times(40, () => pacer.restAfter(20))).toBe(20)
})

test('congestion does not become the norm it is measured against', () => {
  const pacer = pacerAtRest()
  times(50, () => (pacer.observe('global', 100), 0))
  expect(pacer.restAfter(20)).toBe(40)
})

test('lanes of different speed are no congestion', () => {
  const pacer = createPacer()
  times(50, () => (pacer.observe('priority', 2), pacer.observe('global', 15), 0))
  expect(times(10, () => pacer.restAfter(20))).toBe(20)
})

test('a duty of less leaves longer rests from the start, for batches of up to a second', () => {
  expect(createPacer(20).restAfter(50)).toBe(200)
  expect(createPacer(20).restAfter(1_000)).toBe(4_000)
  expect(createPacer(20).restAfter(60_000)).toBe(4_000) // a store that was away
  expect(createPacer(4).restAfter(10)).toBe(240)
})

test('of all the time there is no rest, until the others are in need', () => {
  const pacer = createPacer(100)
  times(50, () => (pacer.observe('global', 10), 0))
  expect(pacer.restAfter(20)).toBe(0)
  times(10, () => (pacer.observe('global', 40), 0))
  expect([1, 2].map(() => pacer.restAfter(20))).toEqual([20, 40])
})

test('crowded lanes of another process count like those of its own', () => {
  const pacer = pacerAtRest()
  pacer.hearOf(true)
  expect(pacer.isCrowded()).toBe(false) // what it would say of itself
  expect([1, 2].map(() => pacer.restAfter(20))).toEqual([40, 80])
  pacer.hearOf(false)
  expect(pacer.restAfter(20)).toBe(72)
})

test('a lane that fell silent while it was crowded is not in need for ever', () => {
  let nowMs = 0
  const pacer = createPacer(50, () => nowMs)
  times(50, () => (pacer.observe('global', 10), 0))
  times(10, () => (pacer.observe('global', 40), 0))
  nowMs = 1_900
  expect(pacer.isCrowded()).toBe(true)
  nowMs = 2_000
  expect(pacer.isCrowded()).toBe(false)
})
