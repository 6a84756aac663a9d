import { expect, test } from 'vitest'
import { z } from 'zod'
import { UnknownVersionError, defineEvent } from './define-event.ts'

// A song that grew: first a title, then who sings, then how long it is, in milliseconds.
const first = defineEvent(z.object({ title: z.string() }))
const second = first.next(z.object({ title: z.string(), artists: z.array(z.string()) }), ({ title }) => ({ title, artists: [] }))
const third = second.next(
  z.object({ name: z.string(), artists: z.array(z.string()), lengthMs: z.number().nullable() }),
  ({ title, artists }) => ({
    name: title,
    artists,
    lengthMs: null,
  }),
)

test('each step adds a version', () => {
  expect([first, second, third].map(({ version }) => version)).toEqual([1, 2, 3])
})

test('data of any version ever written comes in the shape of today', () => {
  expect(third.decode(1, { title: 'Roar' })).toEqual({ name: 'Roar', artists: [], lengthMs: null })
  expect(third.decode(2, { title: 'Roar', artists: ['Katy Perry'] })).toEqual({ name: 'Roar', artists: ['Katy Perry'], lengthMs: null })
  expect(third.decode(3, { name: 'Roar', artists: [], lengthMs: 269_000 })).toEqual({ name: 'Roar', artists: [], lengthMs: 269_000 })
})

test('an earlier definition goes on to read its own', () => {
  expect(first.decode(1, { title: 'Roar' })).toEqual({ title: 'Roar' })
})

test('a version from the future is told apart from data that does not fit', () => {
  expect(() => third.decode(4, { title: 'Roar' })).toThrow(UnknownVersionError)
  expect(() => third.decode(2, { title: 'Roar' })).toThrow(z.ZodError)
  expect(() => third.decode(1, { artists: [] })).toThrow(z.ZodError)
  expect(() => third.decode(3, { title: 'Roar' })).toThrow(z.ZodError)
})

test.each([0, -1, 1.5, Number.NaN])('version %d was never written', (version) => {
  expect(() => third.decode(version, { name: 'Roar', artists: [], lengthMs: 1 })).toThrow(/version/)
})
