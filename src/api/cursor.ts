import { DomainError } from '../errors.ts'

export type Sort = 'newest' | 'oldest' | 'hot'

const pattern = /^(?:([no])|h(-?\d[\d.e+-]{0,23})\/)(\d{13}-\d{6})$/

/** A keyset cursor: where the next page starts after, bound to the order it was made for. Opaque to clients. */
export const cursorOf = (sort: Sort, after: string): string => Buffer.from(`${sort[0]}${after}`).toString('base64url')

/**
 * Where a list goes on, and in which order: a list in hot order that began without its ranks goes on as it began, by position. Throws
 * `invalid-input` for a cursor that is not ours or belongs to another sort.
 */
export function readCursor(sort: Sort, cursor: string | undefined): { order: Sort; after: string } {
  if (cursor === undefined) return { order: sort, after: '' }
  const [, letter, score, position] = pattern.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (position && letter === sort[0]) return { order: sort, after: position }
  if (position && sort === 'hot' && letter === 'n') return { order: 'newest', after: position }
  if (position && sort === 'hot' && Number.isFinite(Number(score))) return { order: sort, after: `${score}/${position}` }
  throw new DomainError('invalid-input', 'the request is not valid', {
    issues: [{ path: 'cursor', message: 'not a cursor of this list and sort' }],
  })
}
