import { setTimeout as delay } from 'node:timers/promises'

const atOnce = 24
/** Half of what a topic is promoted from in a deployment of the drill's own: capacity is measured without a hot topic. */
const mostWritesPerTopic = 10

type Traffic = { read(): Promise<unknown>; write(): Promise<unknown> }
type Calibrate = { kind: 'reads' | 'writes'; ms: number; topics: number }

/**
 * The same requests as the traffic's, as many as are answered, a few at once: writes alone, or reads with the writes that go with them, since a page
 * that nobody writes to is read from a cache. Writes are at most 10 a second and topic. Resolves when the last one has been answered.
 */
export async function calibrate({ read, write }: Traffic, { kind, ms, topics }: Calibrate): Promise<{ done: number; tookMs: number }> {
  const startedMs = performance.now()
  const gapMs = 1_000 / (mostWritesPerTopic * topics)
  let [done, writtenMs] = [0, startedMs]
  /** What was missed is not made up for: that would be a burst. */
  const pacedWrite = async () => {
    const nowMs = performance.now()
    writtenMs = Math.max(writtenMs + gapMs, nowMs)
    if (writtenMs > nowMs) await delay(writtenMs - nowMs)
    await write()
  }
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; performance.now() - startedMs < ms; done++) await (kind === 'writes' || done % 100 === 0 ? pacedWrite() : read())
    }),
  )
  return { done, tookMs: performance.now() - startedMs }
}
