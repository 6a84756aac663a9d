import { describe, expect, test } from 'vitest'
import { until } from '../../../test/deployment.ts'
import { DomainError } from '../../errors.ts'
import { type Answer, type Built, matchesEtag } from './answer.ts'
import { type Question, createPageCache } from './page-cache.ts'
import type { Version } from './version.ts'

type Views = { text: string }
const bodyOf = ({ bytes }: Answer) => JSON.parse(bytes.toString()) as { text: string; degraded: string[] }
const away = () => Promise.reject(new DomainError('unavailable', 'away'))

function page(text: string, version: Version | undefined, more: Partial<Built<Views>> = {}): Built<Views> {
  const degraded = more.degraded ?? []
  const isPoor = degraded.includes('older') || degraded.includes('recent')
  return { body: { text, degraded }, views: { text }, version, usesStore: false, isPoor, newest: '', degraded, ...more }
}

/** A question that is answered with what `next` says, and how often it was built. */
function ask(first: () => Promise<Built<Views> | undefined>, more: Partial<Question<Views>> = {}) {
  const asked = {
    builds: 0,
    unless: [] as (Version | undefined)[],
    next: first,
    question: {
      key: 'k',
      topic: 't',
      ...more,
      build: async (unless: Version | undefined) => {
        asked.builds += 1
        asked.unless.push(unless)
        return asked.next()
      },
    },
  }
  return asked
}
const at = (changes: number, term = 1): Version => ({ term, changes })
/** Asks with `withViews` from now on: a read that must not be answered from what is kept. */
const renewed = (cache: ReturnType<typeof createPageCache>, question: Question<Views>) => cache.withViews(question, performance.now())

const cold = () => createPageCache({ isHot: () => false })

describe('a cached answer', () => {
  test('is read once by all who ask at the same time, then at once', async () => {
    const asked = ask(async () => page('a', at(1)))
    const cache = createPageCache({ isHot: () => true })
    const answers = await Promise.all(Array.from({ length: 100 }, async () => cache.take(asked.question)))
    expect([asked.builds, new Set(answers).size, cache.stats.joined]).toEqual([1, 1, 99])
    expect(cache.take(asked.question)).toBe(answers[0])
  })

  test('keeps its bytes while the version stays the same', async () => {
    const asked = ask(async () => page('a', at(1)))
    const cache = cold()
    const first = await cache.take(asked.question)
    asked.next = async () => undefined
    expect(await renewed(cache, asked.question)).toBe(first)
    expect(asked.unless).toEqual([undefined, at(1)])
  })

  test.each([
    ['more changes', at(2), 'b'],
    ['fewer changes', at(0), 'a'],
    ['a later term with fewer changes', at(0, 2), 'b'],
    ['an earlier term with more changes', at(9, 0), 'a'],
  ])('%s: never goes back', async (_, version, shown) => {
    const asked = ask(async () => page('a', at(1)))
    const cache = cold()
    await cache.take(asked.question)
    asked.next = async () => page('b', version)
    expect(bodyOf(await renewed(cache, asked.question)).text).toBe(shown)
  })

  test('that is whole is not replaced by one that lacks comments, and says that it is old', async () => {
    const asked = ask(async () => page('whole', at(1)))
    const cache = cold()
    await cache.take(asked.question)
    asked.next = async () => page('thin', at(2), { degraded: ['older'] })
    expect(bodyOf(await renewed(cache, asked.question))).toEqual({ text: 'whole', degraded: ['stale'] })
    asked.next = async () => page('whole again', at(3))
    expect(bodyOf(await renewed(cache, asked.question))).toEqual({ text: 'whole again', degraded: [] })
  })

  test.each([
    ['as new', '5', 'theirs', ['recent']],
    ['older', '4', 'ours', ['stale']],
  ])('gives way to a page without Redis that is %s', async (_, newest, text, degraded) => {
    const asked = ask(async () => page('ours', at(1), { newest: '5' }))
    const cache = cold()
    await cache.take(asked.question)
    asked.next = async () => page('theirs', undefined, { newest, degraded: ['recent'] })
    expect(bodyOf(await renewed(cache, asked.question))).toEqual({ text, degraded })
  })

  test('is shown, as an old one, when nothing can be read; what was never read is refused', async () => {
    const asked = ask(async () => page('a', at(1)))
    const cache = cold()
    await cache.take(asked.question)
    asked.next = away
    expect(bodyOf(await renewed(cache, asked.question))).toEqual({ text: 'a', degraded: ['stale'] })
    await expect(cache.take(ask(away, { key: 'other' }).question)).rejects.toThrow('away')
  })

  test('that nothing could be read of is refused for a moment without asking again', async () => {
    const asked = ask(away)
    const cache = cold()
    for (let n = 0; n < 5; n++) await expect(cache.take(asked.question)).rejects.toThrow('away')
    expect([asked.builds, cache.stats.failed]).toEqual([1, 1])
    asked.next = async () => page('back', at(1))
    await until(async () => bodyOf(await cache.take(asked.question)).text === 'back', 2_000)
  })

  test('that lacks something is built again after a second, though the version stays the same', async () => {
    const asked = ask(async () => page('thin', at(1), { degraded: ['older'], isPoor: false }))
    const cache = cold()
    await cache.take(asked.question)
    asked.next = async () => (asked.unless.at(-1) ? undefined : page('whole', at(1)))
    await until(async () => bodyOf(await cache.take(asked.question)).text === 'whole', 3_000)
  })

  test('is told to who builds it again, as long as it was whole: what is made of it says so and is never told itself', async () => {
    const told: (Views | undefined)[] = []
    const cache = cold()
    const question: Question<Views> = {
      ...{ key: 'k', topic: 't' },
      async build(_, known) {
        told.push(known)
        return told.length === 1 ? page('whole', at(1)) : page('mixed', at(told.length), { degraded: ['stale'], isStale: true })
      },
    }
    const first = await cache.take(question)
    for (let n = 0; n < 3; n++) {
      const mixed = await renewed(cache, question)
      expect([bodyOf(mixed), mixed.asOfMs]).toEqual([{ text: 'mixed', degraded: ['stale'] }, first.asOfMs])
    }
    expect(told.map((known) => known?.text)).toEqual([undefined, 'whole', 'whole', 'whole'])
  })

  test('counts once for each who reads it', async () => {
    const asked = ask(async () => page('a', at(1)))
    const cache = cold()
    await Promise.all(Array.from({ length: 10 }, async () => cache.withViews(asked.question)))
    await cache.withViews(asked.question)
    const { built, joined, fresh } = cache.stats
    expect({ built, joined, fresh }).toEqual({ built: 1, joined: 9, fresh: 1 })
    let answer = () => {}
    asked.next = () => new Promise((resolve) => (answer = () => resolve(undefined)))
    const running = renewed(cache, asked.question)
    await until(async () => asked.builds === 2)
    const later = renewed(cache, asked.question)
    answer()
    await running
    await until(async () => asked.builds === 3)
    answer()
    await later
    expect(cache.stats).toMatchObject({ built: 1, joined: 9, fresh: 1, unchanged: 2 })
  })

  test('of a hot topic is shown while it is renewed', async () => {
    const cache = createPageCache({ isHot: () => true })
    const asked = ask(async () => page('a', at(1)))
    const first = await cache.take(asked.question)
    first.freshUntilMs = 0
    let renew: (built: Built<Views>) => void = () => {}
    asked.next = () => new Promise((resolve) => (renew = resolve))
    expect(cache.take(asked.question)).toBe(first)
    expect(cache.take(asked.question)).toBe(first)
    expect(asked.builds).toBe(2)
    renew(page('b', at(2)))
    await until(async () => cache.stats.built === 2)
    expect(bodyOf(await cache.take(asked.question)).text).toBe('b')
  })

  test('takes no more memory than it may', async () => {
    const cache = createPageCache({ isHot: () => false, maxBytes: 100_000 })
    const asked = Array.from({ length: 50 }, (_, n) => ask(async () => page('x'.repeat(2_000), at(1)), { key: `k${n}` }))
    for (const { question } of asked) await cache.take(question)
    for (const { question } of asked) await renewed(cache, question)
    // One that was kept is asked with its version.
    expect(asked.filter(({ unless }) => unless[1] === undefined).length).toBeGreaterThan(30)
  })
})

test('a reader who must not see less than they know waits for a read that began later, together with others like them', async () => {
  const cache = cold()
  const waiting: (() => void)[] = []
  const asked = ask(() => new Promise((resolve) => waiting.push(() => resolve(page(`read ${waiting.length}`, at(waiting.length))))))
  const first = cache.take(asked.question)
  const later = Array.from({ length: 20 }, () => renewed(cache, asked.question))
  waiting[0]!()
  await first
  while (waiting.length < 2) await Promise.resolve()
  waiting[1]!()
  expect(new Set((await Promise.all(later)).map((answer) => bodyOf(answer).text))).toEqual(new Set(['read 2']))
  expect(asked.builds).toBe(2)
})

test.each([
  ['"a"', true],
  ['W/"a"', true],
  ['"b", W/"a"', true],
  ['*', true],
  ['"b"', false],
  ['a', false],
  ['', false],
  [undefined, false],
])('If-None-Match %s', (header, matches) => expect(matchesEtag(header, '"a"')).toBe(matches))
