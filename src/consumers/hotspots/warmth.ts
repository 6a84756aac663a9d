/**
 * When hot topics were last warm, as this process remembers it: by its own monotonic clock, since that of a server which was promoted may be
 * another one.
 */
export function createWarmth(now: () => number = () => performance.now()) {
  const warmAtMs = new Map<string, number>()
  return {
    /** On the server's clock, together with what is stored there; what lies ahead of it was stored by another clock and says nothing. */
    at(nowMs: number, stored: ReadonlyMap<string, number>): Map<string, number> {
      const warmMs = new Map([...stored].filter(([, ms]) => ms <= nowMs))
      for (const [topic, ms] of warmAtMs) warmMs.set(topic, Math.max(nowMs - (now() - ms), warmMs.get(topic) ?? 0))
      return warmMs
    },
    /** These are warm now; of the others only hot ones are remembered. */
    remember(warm: readonly string[], hot: ReadonlySet<string>): void {
      for (const topic of warmAtMs.keys()) if (!hot.has(topic)) warmAtMs.delete(topic)
      for (const topic of warm) warmAtMs.set(topic, now())
    },
    forget: () => warmAtMs.clear(),
  }
}
export type Warmth = ReturnType<typeof createWarmth>
