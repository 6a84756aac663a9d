import type { Answer, Call } from './http-client.ts'
import { type Tally, keepSample } from './tally.ts'

export type Get = (path: string, options?: { token?: string; wantsText?: boolean; isFlood?: boolean }) => Promise<Answer>

/** A read, counted. */
export function createReader(send: (call: Call) => Promise<Answer>, tally: Tally): Get {
  return async (path, { token, wantsText, isFlood } = {}) => {
    const atMs = Date.now()
    const answer = await send({ method: 'GET', path, ...(token ? { token } : {}), ...(wantsText ? { wantsText } : {}) })
    const { reads } = tally.now
    reads.done += 1
    if (isFlood) reads.flood += 1
    if (answer.status === 0 || answer.status >= 500) {
      reads.serverErrors += 1
      reads.firstError ??= `GET ${path}: ${answer.status} ${answer.text.slice(0, 200)}`
    } else if (answer.status >= 400) reads.otherErrors += 1
    keepSample(reads.samples, reads.done, [atMs, answer.tookMs])
    return answer
  }
}
