import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { httpText } from './http-text.ts'

export type ConnectionLimits = {
  /** More are answered 503 and closed. */
  maxConnections: number
  /** Requests of one connection that may be unanswered together: browsers and proxies send one after the other. */
  maxUnanswered: number
  /** Longest an answer may wait for a client that does not read it, ms. */
  sendTimeoutMs: number
}

/** Refused connections that still have their answer to read; beyond that the system closes them without one. */
const lingering = 500
/** How long such a connection may take to read it, ms. */
const lingerMs = 1_000

/** Holds a server's connections to the limits. `refuses` is asked of each request, before anything else looks at it. */
export function limitConnections(server: Server, { maxConnections, maxUnanswered, sendTimeoutMs }: ConnectionLimits) {
  const sockets = new Set<Socket>()
  const refused = new WeakSet<Socket>()
  const unanswered = new WeakMap<Socket, number>()
  server.maxConnections = maxConnections + lingering

  server.on('connection', (socket) => {
    if (sockets.size >= maxConnections) {
      refused.add(socket)
      socket.end(httpText(503, 'overloaded', ['Retry-After: 5']))
      const cut = setTimeout(() => socket.destroy(), lingerMs)
      socket.once('close', () => clearTimeout(cut))
      return
    }
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  const sweep = setInterval(createSweep(sockets, sendTimeoutMs), sendTimeoutMs / 6)
  sweep.unref()
  server.once('close', () => clearInterval(sweep))

  return {
    /** The status to refuse the request with; `ignore`: its connection has been answered. */
    refuses({ socket }: IncomingMessage, response: ServerResponse): 429 | 'ignore' | undefined {
      if (refused.has(socket)) return 'ignore'
      const count = (unanswered.get(socket) ?? 0) + 1
      unanswered.set(socket, count)
      response.once('close', () => unanswered.set(socket, unanswered.get(socket)! - 1))
      return count > maxUnanswered ? 429 : undefined
    },
  }
}

/**
 * Cuts clients that do not read. An answer stands in memory until the system has taken all of it: where answers wait and the system takes nothing
 * of them for `sendTimeoutMs`, they are not read. Looks at sockets now and then, so that a request costs nothing.
 */
function createSweep(sockets: ReadonlySet<Socket>, sendTimeoutMs: number): () => void {
  const waiting = new WeakMap<Socket, { taken: number; sinceMs: number }>()
  return () => {
    const nowMs = performance.now()
    for (const socket of sockets) {
      if (socket.writableLength === 0) {
        waiting.delete(socket)
        continue
      }
      const taken = takenOf(socket)
      const before = waiting.get(socket)
      if (before?.taken !== taken) waiting.set(socket, { taken, sinceMs: nowMs })
      else if (nowMs - before.sinceMs >= sendTimeoutMs) socket.destroy()
    }
  }
}

/** Rises with each byte that the system takes. How much is left of a write under way only the handle knows; Node's own idle timeout asks it too. */
function takenOf(socket: Socket): number {
  const { _handle: handle } = socket as { _handle?: { writeQueueSize: number } | null }
  return socket.bytesWritten - socket.writableLength - (handle?.writeQueueSize ?? 0)
}
