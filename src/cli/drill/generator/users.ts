import { SignJWT } from 'jose'
import type { World } from '../messages.ts'

export type Users = {
  any(): string
  tokenOf(user: string): Promise<string>
  /** With a say over the landed topic. */
  artistToken(topic: string): Promise<string>
}

/** Thousands of people with a token each, so that limits per user are real and do not bind. */
export function createUsers({ users, jwt }: Pick<World, 'users' | 'jwt'>): Users {
  const key = new TextEncoder().encode(jwt.secret)
  const tokens = new Map<string, Promise<string>>()
  const sign = (sub: string, claims: Record<string, unknown>) => {
    const token = new SignJWT({ name: sub, ...claims })
      .setProtectedHeader({ alg: 'HS256' })
      .setSubject(sub)
      .setIssuedAt()
      .setExpirationTime('6h')
    if (jwt.issuer) token.setIssuer(jwt.issuer)
    if (jwt.audience) token.setAudience(jwt.audience)
    return token.sign(key)
  }
  return {
    any: () => `drill-${Math.floor(Math.random() * users)}`,
    tokenOf(user) {
      const token = tokens.get(user) ?? sign(user, { role: 'user' })
      tokens.set(user, token)
      return token
    },
    artistToken: (topic) => sign('drill-artist', { name: 'The Artist', role: 'artist', topics: [topic] }),
  }
}
