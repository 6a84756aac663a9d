/** SIGTERM stops a process in order; so does the end of the one that started it. */
export function untilStopped(stop: () => Promise<unknown>): void {
  const end = () => void stop().then(() => process.exit(0))
  process.once('SIGTERM', end)
  process.stdin.resume().once('end', end)
}
