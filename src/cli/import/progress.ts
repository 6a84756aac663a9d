/** A bar on a terminal, a line every few seconds elsewhere; on stderr, so that stdout is the report alone. */
export function createProgress(label: string, out: NodeJS.WriteStream = process.stderr) {
  const barWidth = 30
  const lineEveryMs = 3_000
  let saidAtMs = Date.now()
  return {
    update(done: number, of: number): void {
      if (!out.isTTY) {
        if (Date.now() - saidAtMs < lineEveryMs) return
        saidAtMs = Date.now()
        out.write(`${label}: ${done} of ${of} rows\n`)
        return
      }
      const filled = of === 0 ? barWidth : Math.floor((done / of) * barWidth)
      out.write(`\r${label} ${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)} ${done}/${of}`)
    },
    end(): void {
      if (out.isTTY) out.write('\r\u001B[K')
    },
  }
}
