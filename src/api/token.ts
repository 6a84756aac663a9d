import { type JWTVerifyGetKey, createLocalJWKSet, createRemoteJWKSet, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { z } from 'zod'
import type { Config } from '../config.ts'
import { DomainError } from '../errors.ts'
import { TopicGlob } from '../topics.ts'

const controls = /[\p{Cc}\p{Cs}\u2028\u2029]/u
const isPrintable = (text: string) => !controls.test(text)

const Claims = z.object({
  sub: z.string().min(1).max(128).refine(isPrintable, 'must not contain control characters'),
  name: z
    .string()
    .overwrite((name) => name.normalize('NFC').trim())
    .min(1)
    .max(100)
    .refine(isPrintable, 'must not contain control characters'),
  picture: z
    .url({ protocol: /^https$/ })
    .max(500)
    .nullish(),
  role: z.enum(['user', 'artist', 'moderator', 'admin']).default('user'),
  topics: z.array(TopicGlob).max(100).default([]),
  exp: z.number(),
})

export type User = {
  id: string
  name: string
  picture?: string
  role: 'user' | 'artist' | 'moderator' | 'admin'
  /** Globs of the topics an artist or moderator has a say over. */
  topics: readonly string[]
}
export type Verified = { user: User; expiresMs: number }

/** Longest wait for the keys, ms; and how long an endpoint that failed is left alone. */
const keysTimeoutMs = 1_500
const keysRetryMs = 2_000
const asymmetric = ['RS256', 'ES256', 'EdDSA']

/** Checks a token's signature and claims. The algorithm picks the key, never the other way round: a public key is no HS256 secret. */
export function createVerify({
  jwtSecret,
  jwksUrl,
  jwtIssuer,
  jwtAudience,
}: Pick<Config, 'jwtSecret' | 'jwksUrl' | 'jwtIssuer' | 'jwtAudience'>) {
  const secret = jwtSecret === undefined ? undefined : new TextEncoder().encode(jwtSecret)
  const remote = jwksUrl === undefined ? undefined : createRemoteKeys(jwksUrl)
  const checks = { issuer: jwtIssuer, audience: jwtAudience, requiredClaims: ['exp'] }
  const payloadOf = async (token: string) => {
    const { alg } = decodeProtectedHeader(token)
    if (alg === 'HS256' && secret) return (await jwtVerify(token, secret, { ...checks, algorithms: ['HS256'] })).payload
    if (remote && asymmetric.includes(alg ?? '')) return (await jwtVerify(token, remote, { ...checks, algorithms: asymmetric })).payload
    throw new errors.JOSEAlgNotAllowed('the algorithm is not allowed')
  }

  return async function verify(token: string): Promise<Verified> {
    const claims = Claims.safeParse(await payloadOf(token).catch(refuse))
    if (!claims.success) {
      const [{ path, message }] = claims.error.issues as [z.core.$ZodIssue]
      throw new DomainError('not-signed-in', `the token's ${path.join('.')}: ${message}`)
    }
    const { sub: id, name, picture, role, topics, exp } = claims.data
    return { user: { id, name, ...(picture ? { picture } : {}), role, topics }, expiresMs: exp * 1_000 }
  }
}

function refuse(error: unknown): never {
  if (error instanceof DomainError) throw error
  const detail = error instanceof errors.JWTExpired ? 'the token is expired' : 'the token is not valid'
  throw new DomainError('not-signed-in', detail, {}, { cause: error })
}

/** The keys at a URL. Keys fetched before stay good while the endpoint is away; for a key that is not among them, `unavailable`. */
function createRemoteKeys(url: string): JWTVerifyGetKey {
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: keysTimeoutMs })
  let failure: { atMs: number; cause: unknown } | undefined
  return async (header, token) => {
    if (failure && !remote.fresh && Date.now() - failure.atMs < keysRetryMs) return fromKept(failure.cause)
    try {
      return await remote(header, token)
    } catch (cause) {
      if (isUnknownKey(cause)) throw cause
      failure = { atMs: Date.now(), cause }
      return fromKept(cause)
    }

    async function fromKept(cause: unknown) {
      const kept = remote.jwks()
      try {
        if (kept) return await createLocalJWKSet(kept)(header, token)
      } catch (error) {
        if (!isUnknownKey(error)) throw error
      }
      throw new DomainError('unavailable', 'the keys that tokens are signed with cannot be fetched', {}, { cause })
    }
  }
}

const isUnknownKey = (error: unknown) => error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys
