import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import type { Logger } from 'pino'

export type Listening = {
  url: string
  port: number
  /** Takes no new connection, lets the requests in hand finish for up to 10 s, then cuts what is left. */
  close(): Promise<void>
}
type Options = { host: string; port: number; portVariable?: string; log: Logger; drainMs?: number }
type Fetch = Parameters<typeof createAdaptorServer>[0]['fetch']

/** Limits of slow senders, ms; Node looks at them every `connectionsCheckingInterval`. */
const limits = { headersTimeout: 10_000, requestTimeout: 15_000, keepAliveTimeout: 65_000, connectionsCheckingInterval: 1_000 }

/** Rejects with a sentence for operators where the port is taken. */
export async function listen(fetch: Fetch, { host, port, portVariable = 'PORT', log, drainMs = 10_000 }: Options): Promise<Listening> {
  const server = createAdaptorServer({ fetch, hostname: host, serverOptions: limits }) as Server
  server.on('clientError', answerUnreadable)
  server.listen(port, host)
  await once(server, 'listening').catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${error.code ?? error.message})`
    throw new Error(`port ${port} of ${host} ${reason}: set ${portVariable} to another`, { cause: error })
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${address.port}`,
    port: address.port,
    close: () => closeServer(server, drainMs, log),
  }
}

async function closeServer(server: Server, drainMs: number, log: Logger): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  // A connection whose last request has just been answered is idle from now on, and its client might keep it for a minute.
  const sweep = setInterval(() => server.closeIdleConnections(), 50)
  const cut = setTimeout(() => {
    log.warn({ drainMs }, 'requests were cut off at shutdown')
    server.closeAllConnections()
  }, drainMs)
  await closed
  clearInterval(sweep)
  clearTimeout(cut)
}

/** What is no HTTP request never reaches the app; it gets a problem document as well. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, title] =
    error.code === 'HPE_HEADER_OVERFLOW'
      ? [431, 'Request Header Fields Too Large']
      : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? [408, 'Request Timeout']
        : [400, 'Bad Request']
  const code = title.toLowerCase().replaceAll(' ', '-')
  const problem = JSON.stringify({ type: `/problems/${code}`, title: title.toLowerCase(), status, code })
  socket.end(
    `HTTP/1.1 ${status} ${title}\r\nContent-Type: application/problem+json\r\nContent-Length: ${problem.length}\r\nConnection: close\r\n\r\n${problem}`,
  )
}
