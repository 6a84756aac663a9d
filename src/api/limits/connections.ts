import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { httpText } from './http-text.ts'

export type ConnectionLimits = {
  /** More are answered 503 and closed. Near that, kept connections that are idle are closed for new ones. */
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
/** From this share of the connections on idle ones make room, so often at most, ms. */
const crowded = { share: 0.9, everyMs: 1_000 }

/** A connection that has asked something: requests without their answer, and bytes heard from it when it had all of them. */
type Asked = { unanswered: number; heardBytes: number }

/** Holds a server's connections to the limits. `refuses` is asked of each request, before anything else looks at it. */
export function limitConnections(server: Server, { maxConnections, maxUnanswered, sendTimeoutMs }: ConnectionLimits) {
  const sockets = new Set<Socket>()
  const refused = new WeakSet<Socket>()
  const asked = new WeakMap<Socket, Asked>()
  let roomMadeMs = -Infinity
  server.maxConnections = maxConnections + lingering

  /** Not `server.closeIdleConnections()`: that also cuts answers which wait for a client that reads slowly. */
  function makeRoom(): void {
    if (performance.now() - roomMadeMs < crowded.everyMs) return
    roomMadeMs = performance.now()
    for (const socket of sockets) {
      const { unanswered, heardBytes } = asked.get(socket) ?? {}
      if (unanswered !== 0 || socket.bytesRead !== heardBytes || socket.writableLength > 0) continue
      sockets.delete(socket)
      socket.destroy()
    }
  }

  server.on('connection', (socket) => {
    if (sockets.size >= crowded.share * maxConnections) makeRoom()
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
      const its = asked.get(socket) ?? { unanswered: 0, heardBytes: 0 }
      its.unanswered += 1
      asked.set(socket, its)
      response.once('close', () => {
        its.unanswered -= 1
        its.heardBytes = socket.bytesRead
      })
      return its.unanswered > maxUnanswered ? 429 : undefined
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
