import type { MiddlewareHandler } from 'hono'
import { LRUCache } from 'lru-cache'
import type { Config } from '../config.ts'
import { DomainError } from '../errors.ts'
import { matchesGlob } from '../topics.ts'
import type { AppEnv } from './app.ts'
import { type User, createVerify } from './token.ts'

export type { User } from './token.ts'

/** A token is verified again after this, so that a key that was withdrawn loses its power. */
const longestTrustMs = 600_000
const bearer = /^Bearer +([\w-]+\.[\w-]+\.[\w-]+)$/i

/** Sets `c.var.user` from the Bearer token, or refuses with `not-signed-in`; `unavailable` while its keys cannot be fetched. */
export function createAuthenticate(config: Pick<Config, 'jwtSecret' | 'jwksUrl' | 'jwtIssuer' | 'jwtAudience'>): MiddlewareHandler<AppEnv> {
  const verify = createVerify(config)
  /** By the whole header. Verifying costs 50 to 150 µs, a hit less than 1; sized in characters because tokens have no fixed length. */
  const verified = new LRUCache<string, { user: User; untilMs: number }>({
    max: 10_000,
    maxSize: 16_000_000,
    sizeCalculation: (_, key) => key.length,
  })

  async function verifyAnew(header: string): Promise<User> {
    const token = bearer.exec(header)?.[1]
    if (!token) throw new DomainError('not-signed-in', 'the Authorization header is not a Bearer token')
    const { user, expiresMs } = await verify(token)
    verified.set(header, { user, untilMs: Math.min(expiresMs, Date.now() + longestTrustMs) })
    return user
  }

  return async (c, next) => {
    const header = c.req.header('authorization')
    if (!header) throw new DomainError('not-signed-in', 'sign in first')
    const hit = verified.get(header)
    c.set('user', hit && hit.untilMs > Date.now() ? hit.user : await verifyAnew(header))
    await next()
  }
}

/** Whether the user is the topic's artist, or a moderator of it; an admin is everywhere. */
export const hasSayOver = ({ role, topics }: Pick<User, 'role' | 'topics'>, topic: string): boolean =>
  role === 'admin' || (role !== 'user' && topics.some((glob) => matchesGlob(glob, topic)))
