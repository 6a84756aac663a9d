import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { createClient } from './client.ts'
import { type Proxy, hasProxy, startProxy } from './proxy.ts'
import { type Side, type Sides, createSides, origin } from './sides.ts'

const list = '/v1/topics/song:a/comments'
const comment = `${list}/01a20cb8-6839-7000-8000-000000000000`
const preflightOf = (method: string) => ({ origin, 'access-control-request-method': method })

type Route = [method: string, path: string, side: Side | 'none', headers?: Record<string, string>]
const routes: Route[] = [
  ['GET', list, 'read'],
  ['HEAD', list, 'read'],
  ['GET', `${list}?sort=hot&limit=5`, 'read'],
  ['GET', comment, 'read'],
  ['GET', `${comment}/replies`, 'read'],
  ['GET', '/v1/counts?topics=song:a', 'read'],
  ['GET', '/v1/topics', 'read'],
  ['GET', '/v1/topics/song:a/viewer?comments=x', 'read'],
  ['GET', '/v1/topics/song:a/live', 'read'],
  ['GET', '/readyz', 'read'],
  ['GET', '/openapi.json', 'read'],
  ['GET', '/docs', 'read'],
  ['GET', '/', 'read'],
  ['GET', '/page.js', 'read'],
  ['GET', '/read', 'read'],
  ['GET', '/write', 'read'],
  ['OPTIONS', list, 'read', preflightOf('GET')],
  ['OPTIONS', list, 'read'],
  ['PROPFIND', list, 'read'],
  ['POST', list, 'write'],
  ['PATCH', comment, 'write'],
  ['DELETE', comment, 'write'],
  ['PUT', `${comment}/like`, 'write'],
  ['DELETE', `${comment}/like`, 'write'],
  ['PUT', `${comment}/pin`, 'write'],
  ['DELETE', `${comment}/pin`, 'write'],
  ['POST', `${comment}/reports`, 'write'],
  ['PUT', `${comment}/visibility`, 'write'],
  ['POST', '/healthz', 'write'],
  ['OPTIONS', list, 'write', preflightOf('POST')],
  ['OPTIONS', `${comment}/like`, 'write', preflightOf('PUT')],
  ['GET', '/healthz', 'none'],
  ['GET', '/metrics', 'none'],
  ['POST', '/v1/ops/x', 'none'],
]

/** Which side answers: the one without which nobody does. */
describe.skipIf(!hasProxy)('the proxy sends', () => {
  let sides: Sides
  let proxy: Proxy
  const answered = new Map<Side, string[]>()
  beforeAll(async () => {
    sides = await createSides()
    proxy = await startProxy(sides.urls)
    for (const side of ['read', 'write'] as const) {
      // The proxy takes a second to trust a side again.
      await until(async () => (await outcome(['GET', '/readyz', 'read'], 'nobody')) === '200')
      await sides.kill(side)
      answered.set(side, await Promise.all(routes.map((route) => outcome(route, side))))
      await sides.start(side)
    }
  })
  afterAll(async () => {
    await proxy?.stop()
    await sides?.close()
  })

  /** `without`: makes the path one that is in no cache. */
  async function outcome([method, path, , headers = {}]: Route, without: string): Promise<string> {
    const url = `${proxy.url}${path}${path.includes('?') ? '&' : '?'}without=${without}`
    const response = await fetch(url, { method, headers, signal: AbortSignal.timeout(10_000) })
    await response.body?.cancel()
    return response.status === 503 && response.headers.get('cache-control') === 'no-store' ? 'away' : `${response.status}`
  }

  const titled = routes.map(([method, path, side, headers], i): [string, string, number] => {
    const asked = headers?.['access-control-request-method']
    return [`${method}${asked ? ` for ${asked}` : ''} ${path}`, side, i]
  })
  test.each(titled)('%s to %s', (_, to, i) => {
    const without = { read: answered.get('read')![i], write: answered.get('write')![i] }
    expect({ read: without.read === 'away', write: without.write === 'away' }).toEqual({ read: to === 'read', write: to === 'write' })
    const left = [without.read, without.write].filter((status) => status !== 'away')
    expect(left.every((status) => Number(status) < 500)).toBe(true)
  })

  test('a comment that is posted through it is read through it, at once with its token', async () => {
    const { place } = sides
    const client = createClient(proxy.url)
    const posted = await client.untilAnswered({ method: 'POST', path: list, user: 'ann', key: 'k', body: { body: 'hello' } })
    expect(posted.status).toBe(201)
    const own = await client.once({ method: 'GET', path: `${list}?after=${posted.writeToken}` })
    expect((own.body as { items: unknown[] }).items).toMatchObject([{ body: 'hello' }])
    await place.caughtUp()
    expect((await client.once({ method: 'GET', path: `${list}?limit=7` })).body).toMatchObject({ items: [{ body: 'hello' }] })
  })

  test('a page of another origin may write', async () => {
    const preflight = await fetch(proxy.url + list, { method: 'OPTIONS', headers: preflightOf('POST') })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin])
  })
})
