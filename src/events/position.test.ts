import fc from 'fast-check'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { commentIdAt, entryAt, positionOfComment, positionOfEntry } from './position.ts'

const position = fc
  .tuple(fc.integer({ min: 0, max: 9_999_999_999_999 }), fc.integer({ min: 0, max: 999_999 }))
  .map(([ms, n]) => positionOfEntry(`${ms}-${n}`))

test('a comment id is a UUIDv7 that decodes to its position', () => {
  fc.assert(
    fc.property(position, (at) => {
      expect(z.uuidv7().safeParse(commentIdAt(at)).success).toBe(true)
      expect(positionOfComment(commentIdAt(at))).toBe(at)
    }),
  )
})

test('positions, entry ids and comment ids have one order', () => {
  fc.assert(
    fc.property(position, position, (a, b) => {
      expect(a < b).toBe(commentIdAt(a) < commentIdAt(b))
    }),
  )
  fc.assert(
    fc.property(position, (at) => {
      expect(positionOfEntry(entryAt(at))).toBe(at)
    }),
  )
})

test.each([
  '',
  'x',
  '019a0000-0000-7fff-8ff0-000000000000',
  '019a0000-0000-7000-8000-000000000001',
  '019a0000-0000-4000-8000-000000000000',
])('%j is not a comment id of ours', (id) => expect(positionOfComment(id)).toBeUndefined())
