import { setTimeout as delay } from 'node:timers/promises'
import { SignJWT } from 'jose'

export const jwtSecret = 'a secret of the fault tests, 32 bytes and more'

export type Answer = {
  status: number
  body: unknown
  text: string
  writeToken: string | undefined
  retryAfter: string | undefined
  tookMs: number
}
export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  path: string
  /** Nobody: a read. */
  user?: string
  key?: string
  body?: unknown
}

/** `answer` is undefined where the connection broke or nothing came. */
export type Try = { call: Call; answer: Answer | undefined; tookMs: number }

/** How long a client goes on repeating a call whose outcome it does not know, ms. */
const patienceMs = 60_000

/** `artist…` and `moderator…` have a say over every topic, everybody else is a user. */
const roleOf = (user: string) => /^(artist|moderator)/.exec(user)?.[1] ?? 'user'

export function createClient(url: string, onTry: (tried: Try) => void = () => {}) {
  const tokens = new Map<string, Promise<string>>()
  /** `longestMs`: from the first try to the answer, by method. */
  const stats = { calls: 0, repeats: 0, longestMs: {} as Record<string, number> }

  const tokenOf = (user: string): Promise<string> => {
    const token =
      tokens.get(user) ??
      new SignJWT({ name: user.toUpperCase(), role: roleOf(user), topics: ['*'] })
        .setProtectedHeader({ alg: 'HS256' })
        .setSubject(user)
        .setExpirationTime('1h')
        .sign(new TextEncoder().encode(jwtSecret))
    tokens.set(user, token)
    return token
  }

  /** One try. Rejects where the outcome is unknown because the connection broke or nothing came in 10 s. */
  async function once(call: Call): Promise<Answer> {
    const startedMs = performance.now()
    let answer: Answer | undefined
    try {
      return (answer = await send(call, startedMs))
    } finally {
      onTry({ call, answer, tookMs: performance.now() - startedMs })
    }
  }

  async function send({ method, path, user, key, body }: Call, startedMs: number): Promise<Answer> {
    const response = await fetch(url + path, {
      method,
      headers: {
        ...(user ? { authorization: `Bearer ${await tokenOf(user)}` } : {}),
        ...(key ? { 'idempotency-key': key } : {}),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    const text = await response.text()
    const { headers } = response
    return {
      status: response.status,
      body: text === '' ? undefined : JSON.parse(text),
      text,
      writeToken: headers.get('ovation-write') ?? undefined,
      retryAfter: headers.get('retry-after') ?? undefined,
      tookMs: performance.now() - startedMs,
    }
  }

  return {
    stats,
    once,
    /** Repeats with the same key until the answer says what happened: neither a broken connection nor a 503 does. */
    async untilAnswered(call: Call): Promise<Answer> {
      const startedMs = performance.now()
      stats.calls += 1
      for (;;) {
        const answer = await once(call).catch((error: unknown) => String(error))
        const tookMs = performance.now() - startedMs
        if (typeof answer !== 'string' && answer.status !== 503 && answer.status !== 429) {
          stats.longestMs[call.method] = Math.max(stats.longestMs[call.method] ?? 0, tookMs)
          return { ...answer, tookMs }
        }
        if (tookMs > patienceMs)
          throw new Error(
            `${call.method} ${call.path}: no answer in ${patienceMs} ms, last ${typeof answer === 'string' ? answer : answer.text}`,
          )
        stats.repeats += 1
        await delay(50)
      }
    },
  }
}
export type Client = ReturnType<typeof createClient>
