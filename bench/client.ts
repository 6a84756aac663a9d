import { Agent, type IncomingHttpHeaders, request } from 'node:http'

export type Answer = { status: number; text: string; headers: IncomingHttpHeaders }
type Method = 'GET' | 'POST' | 'PUT' | 'DELETE'

/** One client that keeps its connections. Rejects where the status is not 2xx. */
export function createClient(url: string, connections = 64) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const { hostname, port } = new URL(url)

  const send = (method: Method, path: string, { token, body }: { token?: string; body?: unknown } = {}): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const text = body === undefined ? undefined : JSON.stringify(body)
      const headers = {
        ...(token ? { authorization: `Bearer ${token}` } : {}),
        ...(text ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) } : {}),
      }
      const sent = request({ hostname, port, path, method, headers, agent }, (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const { statusCode: status = 0, headers } = response
          const answer = { status, text: Buffer.concat(chunks).toString(), headers }
          if (status >= 200 && status < 300) resolve(answer)
          else reject(new Error(`${method} ${path}: ${status} ${answer.text.slice(0, 200)}`))
        })
      })
      sent.setTimeout(10_000, () => sent.destroy(new Error(`${method} ${path}: no answer within 10 s`)))
      sent.on('error', reject)
      sent.end(text)
    })

  return {
    get: (path: string) => send('GET', path),
    send: (method: Method, path: string, token: string, body?: unknown) => send(method, path, { token, body }),
    close: () => agent.destroy(),
  }
}
export type Client = ReturnType<typeof createClient>
