/**
 * Where an event stands among all events of its partition, across lanes: `<ms, 13 digits>-<n, 6 digits>`.
 * Issued by the append script as the stream entry's id; it sorts as text and is the version of every field an event writes.
 */
export type Position = string

/** Below every issued position. */
export const lowest: Position = ''

const highestN = 999_999

/** A stream entry id (`<ms>-<n>`, as Redis prints it) as a position. */
export function positionOfEntry(entryId: string): Position {
  const dash = entryId.indexOf('-')
  return `${entryId.slice(0, dash).padStart(13, '0')}-${entryId.slice(dash + 1).padStart(6, '0')}`
}

/** The stream entry id at a position. */
export const entryAt = (position: Position): string => `${Number(position.slice(0, 13))}-${Number(position.slice(14))}`

/** The later of two entry ids. */
export const laterEntry = (a: string, b: string): string => (positionOfEntry(a) > positionOfEntry(b) ? a : b)

/** Milliseconds of the partition's clock: close to the wall clock, never before an earlier position's. */
export const msOf = (position: Position): number => Number(position.slice(0, 13))

/**
 * A comment's id: the position of its creation, formatted as a UUIDv7. The millisecond takes the 48 bits of the time, `n` the next 20 bits
 * (12 of `rand_a`, 8 after the variant); the rest is zero, so ids sort as their positions do and decode without a look-up.
 */
export function commentIdAt(position: Position): string {
  const ms = msOf(position).toString(16).padStart(12, '0')
  const n = Number(position.slice(14))
  const low = (n & 0xff).toString(16).padStart(2, '0')
  return `${ms.slice(0, 8)}-${ms.slice(8)}-7${(n >> 8).toString(16).padStart(3, '0')}-8${low[0]}${low[1]}0-000000000000`
}

const commentId = /^([0-9a-f]{8})-([0-9a-f]{4})-7([0-9a-f]{3})-8([0-9a-f]{2})0-000000000000$/

/** The position a comment id stands for; undefined when the id is not one of ours. */
export function positionOfComment(id: string): Position | undefined {
  const parts = commentId.exec(id)
  if (!parts) return undefined
  const [ms, n] = [Number.parseInt(`${parts[1]}${parts[2]}`, 16), Number.parseInt(`${parts[3]}${parts[4]}`, 16)]
  if (n > highestN || ms > 9_999_999_999_999) return undefined
  return `${String(ms).padStart(13, '0')}-${String(n).padStart(6, '0')}`
}
