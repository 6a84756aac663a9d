import { SignJWT } from 'jose'
import { secret } from './harness.ts'

/** A Bearer token that outlives the run; `topics`: what an artist has a say over. */
export const tokenOf = (user = 'bench', role: 'user' | 'artist' = 'user', topics: readonly string[] = []): Promise<string> =>
  new SignJWT({ name: 'Bench', role, ...(role === 'user' ? {} : { topics }) })
    .setProtectedHeader({ alg: 'HS256' })
    .setSubject(user)
    .setExpirationTime('3h')
    .sign(Buffer.from(secret))
