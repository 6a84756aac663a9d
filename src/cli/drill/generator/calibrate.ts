const atOnce = 24

type Traffic = { read(): Promise<unknown>; write(): Promise<unknown> }

/**
 * The same requests as the traffic's, as many as are answered, a few at once: writes alone, or reads with the writes that go with them, since a page
 * that nobody writes to is read from a cache. Resolves when the last one has been answered.
 */
export async function calibrate({ read, write }: Traffic, kind: 'reads' | 'writes', ms: number): Promise<{ done: number; tookMs: number }> {
  const startedMs = performance.now()
  let done = 0
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (; performance.now() - startedMs < ms; done++) await (kind === 'writes' || done % 100 === 0 ? write() : read())
    }),
  )
  return { done, tookMs: performance.now() - startedMs }
}
