import { LRUCache } from 'lru-cache'
import type { Limit } from '../../events/append.ts'

/** Users remembered by a process: about 100 bytes each. Beyond that the one unheard of for longest starts anew. */
const maxUsers = 50_000

/** The generic cell rate algorithm in memory, as append.lua has it in Redis. Times are of one steady clock, ms. */
export function createGcra() {
  const paidAtMs = new LRUCache<string, number>({ max: maxUsers })
  return {
    /** Takes one, or what is left where there is less, and tells how long the next has to wait, ms; 0: not at all. */
    take(user: string, { intervalMs, burstMs }: Pick<Limit, 'intervalMs' | 'burstMs'>, nowMs: number): number {
      const paidAt = Math.min(Math.max(nowMs, paidAtMs.get(user) ?? 0) + intervalMs, nowMs + burstMs)
      paidAtMs.set(user, paidAt)
      return Math.max(0, paidAt + intervalMs - nowMs - burstMs)
    },
  }
}
