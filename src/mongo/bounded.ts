/**
 * An operation with a bound of our own, ms. The driver's are not enough (7.9): where a connection closes just as a command is written, it waits
 * for `drain` of a socket that is gone, and its socket timeout goes with the socket. The message counts as transient. An answer that came while this
 * process stood still is taken.
 */
export async function bounded<T>(ms: number, operation: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    // Timers run before what arrived is read, immediates after it.
    timer = setTimeout(() => setImmediate(() => reject(new Error(`MongoDB operation timed out after ${ms} ms`))), ms)
  })
  try {
    return await Promise.race([operation, late])
  } finally {
    clearTimeout(timer)
  }
}
