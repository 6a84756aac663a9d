import { SignJWT } from 'jose'
import { type ApiRole } from '../../src/api/create-app.ts'
import { startApi } from '../../src/api/start-api.ts'
import { readConfig } from '../../src/config.ts'
import { ordinaryMs } from '../../src/api/read/freshness.ts'
import { createDeployment, quiet, until } from '../deployment.ts'
import { type Contract, type OpenApi, readContract } from './contract.ts'

/** Limits that are looked at and never reached. */
export const unbound = { RATE_COMMENTS: '1000000/1s', RATE_LIKES: '1000000/1s', RATE_REPORTS: '1000000/1s' }
export const secret = 'a secret of the end-to-end tests only'

// oxlint-disable-next-line typescript/no-explicit-any -- bodies are looked into freely here; contract.ts holds their shapes
export type Answer = { status: number; headers: Headers; body: any; text: string }
type Who = { sub: string; name?: string; role?: string; topics?: string[]; picture?: string }
type Request = { as?: string | Who; body?: unknown; headers?: Record<string, string>; signal?: AbortSignal }
type Options = {
  role?: ApiRole
  /** In place of the run's servers, for the API alone. */
  redisUrl?: string
  mongodbUrl?: string
  env?: Record<string, string>
}

/** A deployment of its own with the real API in front, and consumers on demand. */
export async function createE2e(options: Options = {}, place: Parameters<typeof createDeployment>[0] = {}) {
  const ovation = createDeployment(place)
  const started: Api[] = []
  const start = async (more: Options = {}) => {
    const api = await startOn(ovation, { ...options, ...more })
    started.push(api)
    return api
  }
  const api = await start()
  return {
    ...ovation,
    ...api,
    /** Every model has it, and no API shows what it kept of before of an ordinary topic; of hot ones, and of what is MongoDB's, it may. */
    async caughtUp() {
      await ovation.caughtUp()
      const atMs = performance.now()
      await until(async () => performance.now() > atMs + ordinaryMs)
    },
    /** A further API on the same log and models. */
    start,
    /** How many events the log holds: nothing was written where it stays the same. */
    async logLength() {
      const lengths = await Promise.all(
        ovation.keys.partitions.flatMap(({ lane }) => ['global', 'priority'].map((name) => ovation.redis.xlen(lane(name)))),
      )
      return lengths.reduce((a, b) => a + b, 0)
    },
    async close() {
      await Promise.all(started.map(({ stop }) => stop()))
      await ovation.close()
    },
  }
}
export type E2e = Awaited<ReturnType<typeof createE2e>>
export type Api = Awaited<ReturnType<typeof startOn>>

async function startOn(ovation: ReturnType<typeof createDeployment>, { role = 'all', redisUrl, mongodbUrl, env }: Options) {
  const config = readConfig({
    REDIS_URL: redisUrl ?? ovation.redisUrl,
    MONGODB_URL: mongodbUrl ?? ovation.mongodbUrl,
    PORT: '0',
    OPS_PORT: '0',
    PARTITIONS: String(ovation.keys.partitions.length),
    KEY_PREFIX: ovation.keys.prefix,
    JWT_SECRET: secret,
    ...unbound,
    ...env,
  })
  const { url, opsUrl, stop } = await startApi(config, quiet, { role })
  let contract: Contract | undefined

  /** Sends a request and holds the answer against the API's own OpenAPI document. */
  async function call(method: string, path: string, { as, body, headers, signal }: Request = {}): Promise<Answer> {
    contract ??= readContract((await (await fetch(`${url}/openapi.json`)).json()) as OpenApi)
    const answer = await answerOf(
      await fetch(url + path, {
        method,
        headers: {
          ...(as === undefined ? {} : { authorization: `Bearer ${await tokenOf(as)}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
        ...(signal ? { signal } : {}),
      }),
    )
    contract.check(method, path, answer)
    return answer
  }
  return { url, opsUrl, stop, call }
}

export async function answerOf(response: Response): Promise<Answer> {
  const { status, headers } = response
  const text = await response.text()
  const isJson = /\bjson\b/.test(headers.get('content-type') ?? '')
  return { status, headers, text, body: isJson && text ? JSON.parse(text) : undefined }
}

const tokens = new Map<string, Promise<string>>()
/** A user by their id, or somebody with more to say. */
export function tokenOf(who: string | Who): Promise<string> {
  const { sub, name = sub.toUpperCase(), ...claims }: Who = typeof who === 'string' ? { sub: who } : who
  const key = JSON.stringify([sub, name, claims])
  const made = tokens.get(key) ?? signed({ sub, name, ...claims })
  tokens.set(key, made)
  return made
}

/** Any claims, so that bad ones can be made as well. */
export function signed(
  claims: Record<string, unknown>,
  { alg = 'HS256', key = secret, exp = '1h' }: { alg?: string; key?: string; exp?: string | number | null } = {},
) {
  const jwt = new SignJWT(claims).setProtectedHeader({ alg }).setIssuedAt()
  if (exp !== null) jwt.setExpirationTime(exp)
  return jwt.sign(new TextEncoder().encode(key))
}
