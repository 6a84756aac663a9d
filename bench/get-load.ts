import { connect } from 'node:net'

const endOfHead = '\r\n\r\n'
/** Longer than any head that the product answers with. */
const headBytes = 4_096

/**
 * GETs as fast as they are answered, for `seconds`, and what was answered 200 in full. It reads the head of an answer and counts the rest: autocannon
 * takes 100 µs for 45 kB, more than the server that is measured. One request a connection under way.
 */
export async function loadGets(
  url: string,
  { seconds, connections = 64 }: { seconds: number; connections?: number },
): Promise<{ requests: number; perSecond: number }> {
  const { hostname, port, host, pathname, search } = new URL(url)
  const request = `GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`
  const startedMs = performance.now()
  const endMs = startedMs + seconds * 1_000
  let requests = 0

  const one = () =>
    new Promise<void>((resolve, reject) => {
      let head = ''
      let left = 0
      const answered = () => {
        requests += 1
        if (performance.now() >= endMs) socket.destroy()
        else socket.write(request)
      }
      const read = (count: number, chunk: Uint8Array) => {
        const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, count)
        for (let at = 0; at < count;) {
          if (left > 0) {
            const taken = Math.min(left, count - at)
            left -= taken
            at += taken
          } else {
            const text = head + bytes.toString('latin1', at, Math.min(count, at + headBytes))
            const end = text.indexOf(endOfHead)
            if (end < 0 && text.length >= headBytes) throw new Error(`no head in ${headBytes} bytes`)
            if (end < 0) {
              head = text
              return true
            }
            at += end + endOfHead.length - head.length
            head = ''
            left = lengthIn(text.slice(0, end))
          }
          if (left === 0) answered()
        }
        return true
      }
      const callback = (count: number, chunk: Uint8Array) => {
        try {
          return read(count, chunk)
        } catch (error) {
          socket.destroy(error as Error)
          return false
        }
      }
      const socket = connect({
        host: hostname,
        port: Number(port),
        noDelay: true,
        onread: { buffer: Buffer.allocUnsafe(65_536), callback },
      })
      socket.setTimeout(10_000, () => socket.destroy(new Error('no answer within 10 s')))
      socket.once('connect', () => socket.write(request))
      socket.once('error', reject)
      socket.once('end', () => reject(new Error('the server closed a connection')))
      socket.once('close', () => resolve())
    })

  await Promise.all(Array.from({ length: connections }, one))
  return { requests, perSecond: requests / ((performance.now() - startedMs) / 1_000) }
}

function lengthIn(head: string): number {
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (!head.startsWith('HTTP/1.1 200 ') || length === undefined)
    throw new Error(`not an answer of known length: ${head.split('\r\n', 1)[0]}`)
  return Number(length)
}
