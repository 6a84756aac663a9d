import { createHash } from 'node:crypto'
import { rebuildMs } from './freshness.ts'
import type { Version } from './version.ts'

/** What a build found out; V: what it was made from, for overlays. */
export type Built<V> = {
  /** The JSON to answer with. */
  body: Record<string, unknown>
  views: V
  degraded: readonly string[]
  /** That of the topic's Redis models; undefined where they could not be read, or have no part in the answer. */
  version: Version | undefined
  /** Whether a part of it is MongoDB's, which has no version. */
  usesStore: boolean
  /** Whether it lacks comments: then a whole one that is known from before is better. */
  isPoor: boolean
  /** Whether there is no such thing: answered with 404. */
  isMissing?: boolean
  /** Whether a part is taken from the answer that was known before. */
  isStale?: boolean
  /** The highest position in it, of a comment or of what changed one. */
  newest: string
}

/** An answer that is kept: its bytes and how long they are good. Times are of `performance.now()`, ms. */
export type Answer<V = unknown> = Omit<Built<V>, 'body' | 'views'> & {
  /** Undefined where another process built it. */
  views: V | undefined
  bytes: Buffer
  etag: string
  headers: Readonly<Record<string, string>>
  headersWithoutBody: Readonly<Record<string, string>>
  isStale: boolean
  builtAtMs: number
  /** When the read began that last showed it to be current. */
  asOfMs: number
  freshUntilMs: number
  /** Shown for so long while it is renewed. */
  usableUntilMs: number
  /** From then on it is built again, whatever its version. */
  rebuildAtMs: number
}

/** A CDN may hold it for a second, show it 5 s more while it asks, and for a minute while nobody answers. */
const whole = 'public, max-age=0, s-maxage=1, stale-while-revalidate=5, stale-if-error=60'
/** A thinner answer shields us for a second too, and is gone then: nobody shows it after its cause. */
const thin = 'public, max-age=0, s-maxage=1, must-revalidate'

/** An answer from its JSON, as of `atMs`; not fresh yet. */
export function answerOf<V>(built: Omit<Built<V>, 'body' | 'views'> & { views: V | undefined }, bytes: Buffer, atMs: number): Answer<V> {
  const etag = `"${createHash('sha1').update(bytes).digest('base64url')}"`
  const headersWithoutBody = {
    ETag: etag,
    'Cache-Control': built.degraded.length === 0 ? whole : thin,
    ...(built.degraded.length > 0 ? { 'Ovation-Degraded': built.degraded.join(', ') } : {}),
  }
  const headers = { 'Content-Type': 'application/json', 'Content-Length': String(bytes.length), ...headersWithoutBody }
  const times = { builtAtMs: atMs, asOfMs: atMs, freshUntilMs: 0, usableUntilMs: 0, rebuildAtMs: atMs + rebuildMs(built) }
  const { views, degraded, version, usesStore, isPoor, isMissing = false, isStale = false, newest } = built
  return {
    ...{ views, degraded, version, usesStore, isPoor, isMissing, newest },
    ...{ bytes, etag, headers, headersWithoutBody, isStale },
    ...times,
  }
}

export const answerOfBuilt = <V>({ body, ...built }: Built<V>, atMs: number): Answer<V> =>
  answerOf(built, Buffer.from(JSON.stringify(body)), atMs)

/** The same answer, said to be an old one. */
export function staleOf<V>(answer: Answer<V>): Answer<V> {
  const body = JSON.parse(answer.bytes.toString()) as Record<string, unknown>
  const degraded = [...new Set([...answer.degraded, 'stale'])]
  const bytes = 'degraded' in body ? Buffer.from(JSON.stringify({ ...body, degraded })) : answer.bytes
  return { ...answerOf({ ...answer, degraded, isStale: true }, bytes, answer.builtAtMs), asOfMs: answer.asOfMs }
}

/** RFC 9110: a weak comparison, of a list or `*`. */
export function matchesEtag(ifNoneMatch: string | undefined, etag: string): boolean {
  if (ifNoneMatch === undefined) return false
  if (ifNoneMatch === etag || ifNoneMatch.trim() === '*') return true
  return ifNoneMatch.split(',').some((one) => one.trim().replace(/^W\//, '') === etag)
}

/** The HTTP answer; `more`: headers that depend on the request. */
export function responseOf(
  answer: Answer,
  method: string,
  ifNoneMatch: string | undefined,
  more?: Readonly<Record<string, string>>,
): Response {
  const isKnown = matchesEtag(ifNoneMatch, answer.etag)
  const headers = isKnown ? answer.headersWithoutBody : answer.headers
  const init = { status: isKnown ? 304 : 200, headers: more ? { ...headers, ...more } : headers }
  return new Response(isKnown || method === 'HEAD' ? null : (answer.bytes as Uint8Array<ArrayBuffer>), init)
}
