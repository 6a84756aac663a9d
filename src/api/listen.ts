import { once } from 'node:events'
import { STATUS_CODES, type Server, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { RequestError, getRequestListener } from '@hono/node-server'
import type { Logger } from 'pino'

export type Listening = {
  url: string
  port: number
  /** Takes no new connection, lets the requests in hand finish for up to 10 s, then cuts what is left. */
  close(): Promise<void>
}
type Options = { host: string; port: number; portVariable?: string; log: Logger; drainMs?: number }
type Fetch = Parameters<typeof getRequestListener>[0]

/** Limits of slow senders, ms; Node looks at them every `connectionsCheckingInterval`. */
const limits = {
  headersTimeout: 10_000,
  requestTimeout: 15_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 1_000,
  // Refused below instead, with a problem document.
  requireHostHeader: false,
}

/** Rejects with a sentence for operators where the port is taken. */
export async function listen(fetch: Fetch, { host, port, portVariable = 'PORT', log, drainMs = 10_000 }: Options): Promise<Listening> {
  const answer = getRequestListener(fetch, { errorHandler: answerUnusable })
  const server = createServer(limits, (request, response) => void answer(request, response))
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

/** What has no usable host or target never reaches the app. */
function answerUnusable(error: unknown): Response {
  const [status, code] = error instanceof RequestError ? [400, 'bad-request'] : [500, 'internal']
  return new Response(problemOf(status, code), { status, headers: { 'Content-Type': 'application/problem+json' } })
}

/** What Node cannot parse, or waited for too long. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = statusOfParseError[error.code ?? ''] ?? 400
  const problem = problemOf(status, STATUS_CODES[status]!.toLowerCase().replaceAll(' ', '-'))
  const head = ['Content-Type: application/problem+json', `Content-Length: ${problem.length}`, 'Connection: close', '', problem]
  socket.end([`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...head].join('\r\n'))
}

const statusOfParseError: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
const problemOf = (status: number, code: string) =>
  JSON.stringify({ type: `/problems/${code}`, title: code.replaceAll('-', ' '), status, code })
