import { once } from 'node:events'
import { type IncomingMessage, type Server, type ServerResponse, createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { RequestError, getRequestListener } from '@hono/node-server'
import type { Logger } from 'pino'
import { type ConnectionLimits, limitConnections } from './limits/connections.ts'
import { codeOf, httpText, problemText } from './limits/http-text.ts'

export type Listening = {
  url: string
  port: number
  /** Takes no new connection, lets the requests in hand finish for up to 10 s, then cuts what is left. */
  close(): Promise<void>
}
type Options = { host: string; port: number; portVariable?: string; log: Logger; drainMs?: number } & Partial<Limits>
type Fetch = Parameters<typeof getRequestListener>[0]

type Limits = ConnectionLimits & {
  /** Longest the headers, and a whole request, may take to arrive, ms. */
  headersTimeoutMs: number
  requestTimeoutMs: number
}
const usual: Limits = {
  maxConnections: 10_000,
  maxUnanswered: 16,
  sendTimeoutMs: 60_000,
  headersTimeoutMs: 10_000,
  requestTimeoutMs: 15_000,
}
/** Node takes more lines in silence and drops them. */
const maxHeaders = 100

/** Rejects with a sentence for operators where the port is taken. */
export async function listen(fetch: Fetch, options: Options): Promise<Listening> {
  const { host, port, portVariable = 'PORT', log, drainMs = 10_000 } = options
  const answer = getRequestListener(fetch, { errorHandler: answerUnusable })
  const server = serverWith({ ...usual, ...options }, (request, response) => void answer(request, response))
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

function serverWith(limits: Limits, answer: (request: IncomingMessage, response: ServerResponse) => void): Server {
  const server = createServer(
    {
      headersTimeout: limits.headersTimeoutMs,
      requestTimeout: limits.requestTimeoutMs,
      keepAliveTimeout: 65_000, // above the 60 s of the usual load balancers: they close first
      connectionsCheckingInterval: Math.min(1_000, limits.headersTimeoutMs / 2),
      maxHeaderSize: 16_384,
      // Refused by the listener instead, with a problem document.
      requireHostHeader: false,
    },
    (request, response) => {
      const refusal = connections.refuses(request, response)
      if (refusal === 'ignore') return
      const status = refusal ?? (request.rawHeaders.length > 2 * maxHeaders ? 431 : undefined)
      if (status === undefined) return answer(request, response)
      const headers = { 'Content-Type': 'application/problem+json', Connection: 'close' }
      response.writeHead(status, status === 429 ? { ...headers, 'Retry-After': '1' } : headers)
      response.end(problemText(status, codeOf(status)))
    },
  )
  server.maxHeadersCount = maxHeaders + 1
  const connections = limitConnections(server, limits)
  return server
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
  return new Response(problemText(status, code), { status, headers: { 'Content-Type': 'application/problem+json' } })
}

/** What Node cannot parse, or waited for too long. */
function answerUnreadable(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const status = statusOfParseError[error.code ?? ''] ?? 400
  socket.end(httpText(status, codeOf(status)))
}

const statusOfParseError: Record<string, number> = { HPE_HEADER_OVERFLOW: 431, ERR_HTTP_REQUEST_TIMEOUT: 408 }
