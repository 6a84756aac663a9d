import * as http from 'node:http'
import * as https from 'node:https'

export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  path: string
  token?: string
  key?: string
  body?: unknown
  /** Otherwise the text is dropped as it comes, unless it tells of an error. */
  wantsText?: boolean
}
/** `status` 0: no answer, `text` says why. */
export type Answer = { status: number; tookMs: number; retryAfter: string | undefined; writeToken: string | undefined; text: string }

/** Longest wait for an answer, ms. */
const timeoutMs = 10_000

/** One client of one origin that keeps its connections. Never rejects. */
export function createHttpClient(url: string, maxSockets: number): (call: Call) => Promise<Answer> {
  const base = new URL(url)
  const { Agent, request } = base.protocol === 'https:' ? https : http
  // Free connections of other callers are taken in turn, as those of many clients would be.
  const agent = new Agent({ keepAlive: true, maxSockets, maxFreeSockets: maxSockets, scheduling: 'fifo' })
  const prefix = base.pathname.replace(/\/$/, '')

  const once = ({ method, path, token, key, body, wantsText }: Call) =>
    new Promise<Answer & { isStale: boolean }>((resolve) => {
      const startedMs = performance.now()
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers: Record<string, string | number> = {}
      if (token) headers['authorization'] = `Bearer ${token}`
      if (key) headers['idempotency-key'] = key
      if (text !== undefined) {
        headers['content-type'] = 'application/json'
        headers['content-length'] = Buffer.byteLength(text)
      }
      const nothing = { retryAfter: undefined, writeToken: undefined }
      const fail = (error: NodeJS.ErrnoException) =>
        resolve({
          status: 0,
          tookMs: performance.now() - startedMs,
          ...nothing,
          text: error.code ?? error.message,
          isStale: sent.reusedSocket && error.code === 'ECONNRESET',
        })
      const sent = request(
        { protocol: base.protocol, hostname: base.hostname, port: base.port, path: prefix + path, method, headers, agent },
        (response) => {
          const status = response.statusCode ?? 0
          const chunks: Buffer[] = []
          if (wantsText || status >= 400) response.on('data', (chunk: Buffer) => chunks.push(chunk))
          else response.resume()
          response.on('error', fail)
          response.on('end', () => {
            const write = response.headers['ovation-write']
            resolve({
              status,
              tookMs: performance.now() - startedMs,
              retryAfter: response.headers['retry-after'],
              writeToken: typeof write === 'string' ? write : undefined,
              text: Buffer.concat(chunks).toString(),
              isStale: false,
            })
          })
        },
      )
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)))
      sent.on('error', fail)
      sent.end(text)
    })

  return async (call) => {
    const answer = await once(call)
    // The server had closed a connection that was idle: nothing was heard of this request.
    return answer.isStale ? await once(call) : answer
  }
}
