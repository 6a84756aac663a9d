import type { LagSample } from './sample-lag.ts'
import { ms, number } from './rows.ts'
import type { Second } from './recorder.ts'

/** Without a terminal a line every few seconds is enough, ms. */
const lineEveryMs = 5_000

export type Progress = {
  /** A line that stays. */
  say(line: string): void
  second(phase: string, second: Second | undefined, lag: LagSample | undefined, seenMs: number | undefined): void
  end(): void
}

/** What happens now: one line that is written over on a terminal, a line now and then elsewhere; on stderr, so that stdout is the table alone. */
export function createProgress(out: NodeJS.WriteStream = process.stderr): Progress {
  const startedMs = Date.now()
  let saidAtMs = 0
  const clear = () => out.isTTY && out.write('\r\u001B[K')
  const clock = () => `${String(Math.floor((Date.now() - startedMs) / 1_000)).padStart(3)} s`
  return {
    say(line) {
      clear()
      out.write(`${clock()}  ${line}\n`)
    },
    second(phase, second, lag, seenMs) {
      if (!out.isTTY && Date.now() - saidAtMs < lineEveryMs) return
      saidAtMs = Date.now()
      const parts = [
        phase.padEnd(9),
        second && `reads ${number(second.reads)}/s (p99 ${ms(second.readP99Ms)})`,
        second && `writes ${number(second.writes)}/s (p99 ${ms(second.writeP99Ms)})`,
        seenMs !== undefined && `seen after ${ms(seenMs)}`,
        lag &&
          `waiting: global ${number(lag.lanes.global.waiting)}, priority ${number(lag.lanes.priority.waiting)}, hot ${number(lag.lanes.hot.waiting)}`,
      ]
      const line = `${clock()}  ${parts.filter(Boolean).join(' · ')}`
      if (out.isTTY) out.write(`\r${line.slice(0, (out.columns || 120) - 1)}\u001B[K`)
      else out.write(`${line}\n`)
    },
    end: () => void clear(),
  }
}
