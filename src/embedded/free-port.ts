import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/**
 * `wanted` if it is free, else a random one. Below the ephemeral range (32768 and up): there a client that reconnects to a
 * dead server's port may be given that very port as its own, connect to itself and keep the server from coming back.
 */
export async function freePort(wanted?: number): Promise<number> {
  if (wanted !== undefined && (await isFree(wanted))) return wanted
  for (;;) {
    const port = randomInt(16_384, 32_768)
    if (await isFree(port)) return port
  }
}

async function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer()
    probe.on('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
