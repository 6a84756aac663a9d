import { DomainError } from '../errors.ts'

const pattern = /^([no])(\d{13}-\d{6})$/

/** A keyset cursor: where the next page starts after, bound to the order it was made for. Opaque to clients. */
export const cursorOf = (order: 'newest' | 'oldest', position: string): string =>
  Buffer.from(`${order[0]}${position}`).toString('base64url')

/** The position in a cursor. Throws `invalid-input` for a cursor that is not ours or belongs to another sort. */
export function positionInCursor(order: 'newest' | 'oldest', cursor: string | undefined): string {
  if (cursor === undefined) return ''
  const [, letter, position] = pattern.exec(Buffer.from(cursor, 'base64url').toString()) ?? []
  if (!position || letter !== order[0]) {
    throw new DomainError('invalid-input', 'the request is not valid', {
      issues: [{ path: 'cursor', message: 'not a cursor of this list and sort' }],
    })
  }
  return position
}
