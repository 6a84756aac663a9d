import { type Server, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Hono } from 'hono'
import { type CryptoKey, type JWTPayload, SignJWT, exportJWK, generateKeyPair } from 'jose'
import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { AppEnv } from './app.ts'
import { createAuthenticate, hasSayOver } from './auth.ts'
import { createOnError } from './problem.ts'

const jwtSecret = 'a secret of more than thirty-two bytes'
const claims = { sub: 'u1', name: 'Ann' }
const inAnHour = () => Math.floor(Date.now() / 1_000) + 3_600
const log = pino({ level: 'silent' })

type Key = CryptoKey | Uint8Array
const sign = (
  payload: JWTPayload,
  { alg = 'HS256', kid = 'k1', key, exp = inAnHour() }: { alg?: string; kid?: string; key?: Key; exp?: number } = {},
) => {
  return new SignJWT(payload)
    .setProtectedHeader({ alg, kid })
    .setExpirationTime(exp)
    .sign(key ?? Buffer.from(jwtSecret))
}

function appWith(config: Parameters<typeof createAuthenticate>[0]) {
  const app = new Hono<AppEnv>()
  app.onError(createOnError(log))
  app.put('/', createAuthenticate(config), (c) => c.json(c.var.user))
  return async (authorization?: string) => {
    const response = await app.request('/', { method: 'PUT', headers: authorization === undefined ? {} : { authorization } })
    return {
      status: response.status,
      challenge: response.headers.get('www-authenticate'),
      body: (await response.json()) as Record<string, unknown>,
    }
  }
}
const ask = appWith({ jwtSecret })

describe('a token', () => {
  test('names its user', async () => {
    const token = await sign({ sub: 'u1', name: ' Ann  ', picture: 'https://a.example/p.png', role: 'artist', topics: ['song:*'] })
    expect((await ask(`Bearer ${token}`)).body).toEqual({
      id: 'u1',
      name: 'Ann',
      picture: 'https://a.example/p.png',
      role: 'artist',
      topics: ['song:*'],
    })
    expect((await ask(`bearer ${token}`)).status).toBe(200)
  })

  test('without role and topics is a user', async () => {
    expect((await ask(`Bearer ${await sign({ ...claims, picture: null })}`)).body).toEqual({
      id: 'u1',
      name: 'Ann',
      role: 'user',
      topics: [],
    })
  })

  test('that is missing is told apart from one that is not valid', async () => {
    expect(await ask()).toMatchObject({ status: 401, challenge: 'Bearer', body: { code: 'not-signed-in' } })
    expect(await ask('Bearer x')).toMatchObject({ status: 401, challenge: 'Bearer error="invalid_token"' })
  })

  test('is good until it expires, cached or not', async () => {
    const exp = Math.floor(Date.now() / 1_000) + 60
    const token = `Bearer ${await sign(claims, { exp })}`
    expect((await ask(token)).status).toBe(200)
    vi.useFakeTimers({ now: exp * 1_000, toFake: ['Date'] })
    const late = await ask(token)
    vi.useRealTimers()
    expect(late).toMatchObject({ status: 401, body: { detail: 'the token is expired' } })
  })

  test.each([
    ['no scheme', async () => await sign(claims)],
    ['another scheme', async () => `Basic ${await sign(claims)}`],
    ['another secret', async () => `Bearer ${await sign(claims, { key: Buffer.from(jwtSecret.toUpperCase()) })}`],
    [
      'another algorithm of the secret',
      async () => `Bearer ${await sign(claims, { alg: 'HS512', key: Buffer.from(jwtSecret.padEnd(64)) })}`,
    ],
    ['no expiry', async () => `Bearer ${await signWithoutExpiry()}`],
    ['an expiry in the past', async () => `Bearer ${await sign(claims, { exp: 1 })}`],
    ['alg none', () => `Bearer ${encode({ alg: 'none' })}.${encode({ ...claims, exp: inAnHour() })}.`],
    ['alg none and a signature', () => `Bearer ${encode({ alg: 'none' })}.${encode({ ...claims, exp: inAnHour() })}.AAAA`],
    ['a header that is no JSON', () => 'Bearer e30x.e30.AAAA'],
    [
      'a changed payload',
      async () => `Bearer ${(await sign(claims)).replace(/\.[^.]+\./, `.${encode({ ...claims, role: 'admin', exp: inAnHour() })}.`)}`,
    ],
  ])('with %s is refused', async (_, make) => {
    expect(await ask(await make())).toMatchObject({ status: 401, body: { code: 'not-signed-in' } })
  })

  test.each([
    ['sub', undefined],
    ['sub', ''],
    ['sub', 'x'.repeat(129)],
    ['sub', 'a\nb'],
    ['sub', 'a\0'],
    ['sub', 7],
    ['name', undefined],
    ['name', '  '],
    ['name', 'x'.repeat(101)],
    ['name', 'a\u0007'],
    ['name', '\ud800'],
    ['picture', 'http://a.example/p.png'],
    ['picture', 'javascript:alert(1)'],
    ['picture', `https://a.example/${'x'.repeat(500)}`],
    ['role', 'root'],
    ['topics', 'song:*'],
    ['topics', ['song:{x}']],
    ['topics', Array.from({ length: 101 }, () => 'a')],
  ])('whose %s is %j is refused, naming the claim', async (claim, value) => {
    const answer = await ask(`Bearer ${await sign({ ...claims, [claim]: value })}`)
    expect(answer.status).toBe(401)
    expect(answer.body['detail']).toContain(`the token's ${claim}`)
  })

  test('must have the issuer and the audience that are configured', async () => {
    const strict = appWith({ jwtSecret, jwtIssuer: 'us', jwtAudience: 'ovation' })
    expect((await strict(`Bearer ${await sign({ ...claims, iss: 'us', aud: 'ovation' })}`)).status).toBe(200)
    expect((await strict(`Bearer ${await sign({ ...claims, iss: 'us' })}`)).status).toBe(401)
    expect((await strict(`Bearer ${await sign({ ...claims, iss: 'them', aud: 'ovation' })}`)).status).toBe(401)
  })
})

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
const signWithoutExpiry = () => new SignJWT(claims).setProtectedHeader({ alg: 'HS256' }).sign(Buffer.from(jwtSecret))

describe('keys at a URL', () => {
  let server: Server
  let jwksUrl: string
  let answerKeys = (): string | undefined => undefined
  const pairs: Record<string, { publicKey: CryptoKey; privateKey: CryptoKey }> = {}
  let jwks: string

  beforeAll(async () => {
    const keys = []
    for (const alg of ['RS256', 'ES256', 'EdDSA']) {
      pairs[alg] = await generateKeyPair(alg, { extractable: true })
      keys.push({ ...(await exportJWK(pairs[alg].publicKey)), kid: alg, alg })
    }
    jwks = JSON.stringify({ keys })
    server = createServer((_, response) => {
      const answer = answerKeys()
      if (answer !== undefined) response.end(answer)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })
  const signed = async (alg: string, kid = alg, more: JWTPayload = {}) =>
    `Bearer ${await sign({ ...claims, ...more }, { alg, kid, key: pairs[alg]!.privateKey })}`

  test.each(['RS256', 'ES256', 'EdDSA'])('verify %s', async (alg) => {
    answerKeys = () => jwks
    expect((await appWith({ jwksUrl })(await signed(alg))).status).toBe(200)
  })

  test('do not verify HS256 signed with a public key', async () => {
    answerKeys = () => jwks
    const forged = await sign(claims, { kid: 'RS256', key: Buffer.from(jwks) })
    expect((await appWith({ jwksUrl })(`Bearer ${forged}`)).status).toBe(401)
    expect((await appWith({ jwksUrl, jwtSecret })(`Bearer ${forged}`)).status).toBe(401)
  })

  test('do not verify an unknown key', async () => {
    answerKeys = () => jwks
    expect((await appWith({ jwksUrl })(await signed('RS256', 'other'))).status).toBe(401)
  })

  test('may stand beside a secret', async () => {
    answerKeys = () => jwks
    const both = appWith({ jwksUrl, jwtSecret })
    expect([(await both(await signed('ES256'))).status, (await both(`Bearer ${await sign(claims)}`)).status]).toEqual([200, 200])
  })

  test.each([
    ['does not answer', () => undefined],
    ['answers nonsense', () => 'nonsense'],
  ])('whose server %s are unavailable, not a refusal, and soon', async (_, answer) => {
    answerKeys = answer
    const away = appWith({ jwksUrl })
    const begin = performance.now()
    expect(await away(await signed('RS256'))).toMatchObject({ status: 503, body: { code: 'unavailable' } })
    expect(performance.now() - begin).toBeLessThan(2_500)
    const again = performance.now()
    expect((await away(await signed('RS256'))).status).toBe(503)
    expect(performance.now() - again).toBeLessThan(200)
    expect((await away(undefined)).status).toBe(401)
  })

  test('that were fetched stay good while their server is away', async () => {
    answerKeys = () => jwks
    const app = appWith({ jwksUrl })
    expect((await app(await signed('RS256'))).status).toBe(200)
    answerKeys = () => 'nonsense'
    vi.useFakeTimers({ now: Date.now() + 1_200_000, toFake: ['Date'] })
    const later = await app(await signed('RS256', 'RS256', { sub: 'u2' }))
    const unknown = await app(await signed('ES256', 'new'))
    vi.useRealTimers()
    expect([later.status, unknown.status]).toEqual([200, 503])
  })
})

test.each([
  ['user', ['*'], false],
  ['artist', ['song:*'], true],
  ['artist', ['album:*'], false],
  ['moderator', ['*'], true],
  ['moderator', [], false],
  ['admin', [], true],
] as const)('a %s of %j has a say over song:psy: %s', (role, topics, expected) =>
  expect(hasSayOver({ role, topics }, 'song:psy')).toBe(expected),
)
