import type { Logger } from 'pino'

type Line = { level: 'warn' | 'error'; fields: Record<string, unknown>; message: string }

/**
 * Logs the first line of a kind at once and what follows within a second as one: the last of them, and how many were left out. While the log is
 * away thousands of requests a second are refused alike.
 */
export function createSparingLog(log: Logger, everyMs = 1_000): (kind: string, line: Line) => void {
  const held = new Map<string, { last: Line | undefined; leftOut: number }>()
  const write = ({ level, fields, message }: Line, leftOut: number) => log[level](leftOut > 0 ? { ...fields, leftOut } : fields, message)

  function writeAndHold(kind: string, line: Line, leftOut: number): void {
    write(line, leftOut)
    const following = { last: undefined as Line | undefined, leftOut: 0 }
    held.set(kind, following)
    const timer = setTimeout(() => {
      held.delete(kind)
      if (following.last) writeAndHold(kind, following.last, following.leftOut)
    }, everyMs)
    timer.unref()
  }

  return (kind, line) => {
    const following = held.get(kind)
    if (!following) return writeAndHold(kind, line, 0)
    if (following.last) following.leftOut += 1
    following.last = line
  }
}
