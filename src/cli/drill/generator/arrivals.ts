/** How often it is looked what is due, ms. */
const everyMs = 2

type Source = { perSecond(): number; mostUnderWay: number; start(): Promise<unknown> }
type On = { onBegun(): void; onSkipped(): void; onLate(ms: number): void; onFailed(error: unknown): void }

/** Open loop: each source's requests begin at random times (Poisson), whether earlier ones were answered or not, up to a bound. */
export function startArrivals(sources: readonly Source[], { onBegun, onSkipped, onLate, onFailed }: On) {
  const states = sources.map((source) => ({ source, dueMs: Number.NaN, underWay: 0 }))
  let isStopped = false

  const timer = setInterval(() => {
    const nowMs = performance.now()
    for (const state of states) {
      const perSecond = isStopped ? 0 : state.source.perSecond()
      if (perSecond <= 0) {
        state.dueMs = Number.NaN
        continue
      }
      const gap = () => (-Math.log(1 - Math.random()) * 1_000) / perSecond
      if (Number.isNaN(state.dueMs)) state.dueMs = nowMs + gap()
      for (; state.dueMs <= nowMs; state.dueMs += gap()) {
        onLate(nowMs - state.dueMs)
        if (state.underWay >= state.source.mostUnderWay) {
          onSkipped()
          continue
        }
        onBegun()
        state.underWay += 1
        void state.source
          .start()
          .catch(onFailed)
          .finally(() => (state.underWay -= 1))
      }
    }
  }, everyMs)

  return {
    underWay: () => states.reduce((sum, { underWay }) => sum + underWay, 0),
    /** Nothing new begins any more. */
    stop(): void {
      isStopped = true
      clearInterval(timer)
    },
  }
}
