import { setTimeout as delay } from 'node:timers/promises'

/** Shows it again every so many seconds, until Ctrl-C. */
export async function repeat(show: () => Promise<string>, seconds: number, clears: boolean): Promise<void> {
  const stopping = new AbortController()
  process.once('SIGINT', () => stopping.abort())
  while (!stopping.signal.aborted) {
    const text = await show().catch((error: Error) => `not readable: ${error.message}`)
    console.log(clears ? `\u001B[2J\u001B[H${text}` : text)
    await delay(seconds * 1_000, undefined, { signal: stopping.signal }).catch(() => {})
  }
}
