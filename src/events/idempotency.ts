import { hash } from 'node:crypto'

/**
 * Where the record of a request is kept: packed hashes, spread so that one holds at most 128 fields (the limit under which Redis keeps
 * it compact) up to about 6,000 keyed writes a second on 8 partitions.
 */
const bucketsPerPeriod = { keyed: 32_768, unkeyed: 4_096 }

const short = (text: string, length: number): string => hash('sha1', text, 'base64url').slice(0, length)

/** The name of a request's record: 72 bits of (topic, user, key). */
export const fieldOf = (topic: string, user: string, key: string): string => short(`${topic}\n${user}\n${key}`, 12)

/** What would be done twice when it is sent again, and is recognised by a record. The rest converges by itself. */
export const isRecorded = (type: string): boolean => type === 'comment.posted' || type === 'comment.reported'

/** The same without a key: 74 random bits of the event id. Resent by the connection, the request cannot be another one. */
export const unkeyedField = (eventId: string): string => eventId.slice(0, 23)

/** What a repeated request must equal: 66 bits. */
export const requestHash = (request: string): string => short(request, 11)

/** How long a request is recognised, ms: without a key only its own resending can repeat it. */
export const recognisedMs = (idempotencyWindowMs: number, isUnkeyed: boolean): number =>
  isUnkeyed ? Math.min(120_000, idempotencyWindowMs) : idempotencyWindowMs

/** Clocks of two processes differ by less, ms: each counts on from what the server told it last. */
const clockDifferenceMs = 5_000

/**
 * The buckets to look into, the first of them written now, and how long a bucket is kept, ms. A period is one and a half windows: an append may run
 * half a window after its names were made, and must then be found for a whole one.
 */
export function bucketsAt(nowMs: number, windowMs: number, field: string, isUnkeyed: boolean): { buckets: string[]; keepMs: number } {
  const periodMs = windowMs * 1.5
  const period = Math.floor(nowMs / periodMs)
  const count = isUnkeyed ? bucketsPerPeriod.unkeyed : bucketsPerPeriod.keyed
  const slot =
    field === ''
      ? 0
      : (isUnkeyed ? Number.parseInt(field.slice(0, 6), 16) : Buffer.from(field.slice(0, 4), 'base64url').readUIntBE(0, 3)) % count
  const name = (at: number) => `${isUnkeyed ? 'u' : 'k'}${at.toString(36)}:${slot.toString(36)}`
  // Without a key only this process can send a request again, and it does so under the same names.
  if (isUnkeyed) return { buckets: [name(period)], keepMs: periodMs * 2 }
  const isLast = nowMs % periodMs > periodMs - Math.min(clockDifferenceMs, windowMs / 4)
  // Another process may be in the next period already, and have taken the request there.
  return { buckets: [name(period), name(period - 1), ...(isLast ? [name(period + 1)] : [])], keepMs: periodMs * 2 }
}
