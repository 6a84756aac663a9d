import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, SignJWT, exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type E2e, createE2e, signed, tokenOf } from './api.ts'
import { type OpenApi, readContract } from './contract.ts'

const origin = 'https://songs.example'
const list = '/v1/topics/song:a/comments'
let e2e: E2e
beforeAll(async () => {
  e2e = await createE2e({ env: { ALLOWED_ORIGINS: origin } })
})
afterAll(() => e2e.close())

describe('roles', () => {
  /** Not through `call`, which holds answers against the document of the whole API. */
  const refusal = async (url: string, method: string, path: string) => {
    const response = await fetch(url + path, { method, headers: { authorization: `Bearer ${await tokenOf('ann')}` } })
    return [response.status, ((await response.json()) as { code: string }).code, response.headers.get('allow')]
  }

  test('a reading API takes no writes', async () => {
    const { call, url } = await e2e.start({ role: 'read' })
    expect(await refusal(url, 'POST', list)).toEqual([405, 'method-not-allowed', 'HEAD, GET, POST'])
    const like = `${list}/01a20cb8-6839-7000-8000-000000000000/like`
    expect(await refusal(url, 'PUT', like)).toEqual([405, 'method-not-allowed', 'PUT, DELETE'])
    expect((await call('GET', list)).status).toBe(200)
    expect((await call('GET', '/v1/counts?topics=song:a')).status).toBe(200)
  })

  test('a writing API answers no reads', async () => {
    const { call, url } = await e2e.start({ role: 'write' })
    expect((await call('POST', list, { as: 'ann', body: { body: 'x' } })).status).toBe(201)
    expect(await refusal(url, 'GET', list)).toEqual([405, 'method-not-allowed', 'HEAD, GET, POST'])
    expect(await refusal(url, 'GET', '/v1/counts?topics=song:a')).toEqual([405, 'method-not-allowed', 'HEAD, GET'])
  })

  test('either describes the whole API, since a proxy makes them one', async () => {
    const pathsOf = async (role: 'read' | 'write') => {
      const { call } = await e2e.start({ role })
      return Object.keys((await call('GET', '/openapi.json')).body.paths as object)
    }
    expect(await pathsOf('read')).toEqual(await pathsOf('write'))
    expect(await pathsOf('read')).toEqual(Object.keys(((await (await fetch(`${e2e.url}/openapi.json`)).json()) as OpenApi).paths))
  })
})

describe('the OpenAPI document', () => {
  const read = async () => (await (await fetch(`${e2e.url}/openapi.json`)).json()) as OpenApi

  test('has every call', async () => {
    const comment = '/v1/topics/{topic}/comments/{id}'
    expect(readContract(await read()).operations.sort()).toEqual(
      [
        'GET /v1/topics',
        'GET /v1/counts',
        'GET /v1/topics/{topic}/comments',
        'POST /v1/topics/{topic}/comments',
        'GET /v1/topics/{topic}/viewer',
        `GET ${comment}`,
        `PATCH ${comment}`,
        `DELETE ${comment}`,
        `GET ${comment}/replies`,
        `PUT ${comment}/like`,
        `DELETE ${comment}/like`,
        `PUT ${comment}/pin`,
        `DELETE ${comment}/pin`,
        `POST ${comment}/reports`,
        `PUT ${comment}/visibility`,
      ].sort(),
    )
  })

  test('has nothing that OpenAPI 3.1 does not know, and every reference leads somewhere', async () => {
    const document = await read()
    const fields = 'tags summary description operationId parameters requestBody responses deprecated security'.split(' ')
    const ids: string[] = []
    for (const [path, operations] of Object.entries(document.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        expect([path, Object.keys(operation).filter((field) => !fields.includes(field))]).toEqual([path, []])
        const templated = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        const { parameters = [] } = operation as { parameters?: { in: string; name: string; required?: boolean }[] }
        expect(parameters.filter((one) => one.in === 'path' && one.required).map(({ name }) => name)).toEqual(templated)
        ids.push(`${method} ${path}`)
      }
    }
    for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/(\w+)"/g))
      expect(document.components.schemas).toHaveProperty(name!)
    expect(JSON.stringify(document)).not.toMatch(/\$ref":"(?!#\/components\/schemas\/)/)
    expect(ids.length).toBeGreaterThan(10)
  })

  test('a writing call says what it takes', async () => {
    const document = JSON.stringify((await read()).paths[list.replace('song:a', '{topic}')]!['post'])
    for (const part of ['Idempotency-Key', '"maxLength":5000', '"bearer"', 'application/problem+json']) expect(document).toContain(part)
  })

  test('/docs is one page that needs nothing from elsewhere', async () => {
    const response = await fetch(`${e2e.url}/docs`)
    const page = await response.text()
    expect(response.headers.get('content-type')).toMatch(/^text\/html/)
    expect(page).toContain('/v1/topics/{topic}/comments')
    expect(page).not.toMatch(/<script|<link|@import|url\(|(src|href)="(https?:)?\/\//)
  })
})

test('/metrics, on a port of its own, counts requests by route', async () => {
  await e2e.call('GET', list)
  await e2e.call('GET', '/v1/topics/song:b/comments/nonsense')
  await fetch(`${e2e.url}/wp-login.php`)
  const text = await (await fetch(`${e2e.opsUrl}/metrics`)).text()
  const counted = (labels: string) => new RegExp(`^ovation_http_request_duration_seconds_count\\{${labels}\\} [1-9]`, 'm')
  expect(text).toMatch(counted('route="/v1/topics/:topic/comments",method="GET",status="200"'))
  expect(text).toMatch(counted('route="/v1/topics/:topic/comments/:id",method="GET",status="422"'))
  expect(text).toMatch(counted('route="none",method="GET",status="404"'))
  expect(text).not.toContain('song:')
  expect(text).not.toContain('wp-login')
  expect((await fetch(`${e2e.url}/metrics`)).status).toBe(404)
})

test('/healthz and /readyz answer while all is well', async () => {
  const health = await fetch(`${e2e.url}/healthz`)
  expect([health.status, await health.json()]).toEqual([200, { ok: true }])
  const ready = await fetch(`${e2e.url}/readyz`)
  expect(ready.status).toBe(200)
  expect(await ready.json()).toMatchObject({ ok: true, checks: { redis: { ok: true }, mongodb: { ok: true } } })
})

describe('CORS', () => {
  test('lets pages of the allowed origin read and write', async () => {
    const answers = [
      await e2e.call('GET', list, { headers: { origin } }),
      await e2e.call('POST', list, { as: 'ann', body: { body: 'x' }, headers: { origin } }),
      await e2e.call('POST', list, { body: { body: 'x' }, headers: { origin } }),
      await e2e.call('POST', list, { as: 'ann', body: '{', headers: { origin } }),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 201, 401, 400])
    for (const { headers } of answers) {
      expect(headers.get('access-control-allow-origin')).toBe(origin)
      expect(headers.get('access-control-expose-headers')).toContain('Ovation-Write')
      expect(headers.get('vary')).toContain('Origin')
    }
  })

  test('answers preflights of the allowed origin only', async () => {
    const preflight = (from: string) =>
      fetch(e2e.url + list, { method: 'OPTIONS', headers: { origin: from, 'access-control-request-method': 'POST' } })
    const allowed = await preflight(origin)
    expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([204, origin])
    expect(allowed.headers.get('access-control-allow-methods')).toContain('PATCH')
    expect(allowed.headers.get('access-control-allow-headers')).toMatch(/Authorization.*Idempotency-Key/)
    const refused = await preflight('https://evil.example')
    expect(refused.headers.get('access-control-allow-origin')).toBeNull()
    expect(refused.headers.get('vary')).toContain('Origin')
  })
})

describe('keys at a JWKS URL', () => {
  const algorithms = ['RS256', 'ES256', 'EdDSA'] as const

  test('tokens of each algorithm write; a key that is not there, and a public key used as a secret, do not', async () => {
    const pairs = await Promise.all(algorithms.map((alg) => generateKeyPair(alg, { extractable: true })))
    const jwks = await Promise.all(
      pairs.map(async ({ publicKey }, n) => ({ ...(await exportJWK(publicKey)), kid: `k${n}`, alg: algorithms[n] })),
    )
    const server = createServer((_, response) =>
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: jwks })),
    ).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`
    const { url } = await e2e.start({
      env: { JWKS_URL: jwksUrl, JWT_SECRET: '', WRITE_TOKEN_SECRET: 'w'.repeat(32), JWT_AUDIENCE: 'ovation' },
    })
    const post = async (token: string) => {
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      const response = await fetch(url + list, { method: 'POST', headers, body: JSON.stringify({ body: 'x' }) })
      return { status: response.status, body: (await response.json()) as { code?: string; author?: unknown } }
    }
    const sign = (alg: string, kid: string, key: CryptoKey | Uint8Array, audience = 'ovation') =>
      new SignJWT({ sub: 'ann', name: 'Ann' }).setProtectedHeader({ alg, kid }).setAudience(audience).setExpirationTime('1h').sign(key)
    for (const [n, alg] of algorithms.entries()) {
      const { status, body } = await post(await sign(alg, `k${n}`, pairs[n]!.privateKey))
      expect([alg, status, body.author]).toEqual([alg, 201, { id: 'ann', name: 'Ann', role: 'user' }])
    }
    const stranger = await generateKeyPair('ES256')
    const refused = [
      await sign('ES256', 'k1', stranger.privateKey),
      await sign('ES256', 'k9', stranger.privateKey),
      await sign('RS256', 'k0', pairs[0]!.privateKey, 'another'),
      await sign('HS256', 'k0', new TextEncoder().encode(JSON.stringify(jwks[0]))),
      await signed({ sub: 'ann', name: 'Ann', aud: 'ovation' }),
    ]
    for (const token of refused) expect(await post(token)).toMatchObject({ status: 401, body: { code: 'not-signed-in' } })
    server.closeAllConnections()
    server.close()
  })
})
