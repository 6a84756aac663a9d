import { setTimeout as delay } from 'node:timers/promises'

const firstMs = 50
const longestMs = 5_000

/** Full jitter over an exponential: 50 ms at first, 5 s at most. */
export const backoffMs = (attempt: number): number => Math.random() * Math.min(longestMs, firstMs * 2 ** attempt)

export type Persist = {
  isTransient(error: unknown): boolean
  /** Called before each wait. */
  onWait(error: unknown, attempt: number): Promise<void> | void
  signal: AbortSignal
}

/** Repeats while a store is away. Rejects on abort, since resolving would acknowledge what was not applied, and with every other error. */
export async function persist<T>(attempt: () => Promise<T>, { isTransient, onWait, signal }: Persist): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt()
    } catch (error) {
      if (!isTransient(error)) throw error
      await onWait(error, failures)
      await delay(backoffMs(failures), undefined, { signal })
    }
  }
}
