/** A terminal's Ctrl-C reaches us twice, once from npm: the second one a person means comes later than this, ms. */
const sameCtrlCMs = 500

/** Resolves at the first SIGINT or SIGTERM; from then on another one ends the process at once. */
export function stopSignal(onFirst: (signal: NodeJS.Signals) => void): Promise<void> {
  return new Promise((resolve) => {
    let firstMs = 0
    const heard = (signal: NodeJS.Signals) => {
      if (firstMs === 0) {
        firstMs = Date.now()
        onFirst(signal)
        resolve()
      } else if (Date.now() - firstMs > sameCtrlCMs) process.exit(130)
    }
    process.on('SIGINT', heard)
    process.on('SIGTERM', heard)
  })
}
