import { afterAll, expect, test } from 'vitest'
import { createDeployment, until } from '../../../test/deployment.ts'
import { DomainError } from '../../errors.ts'
import type { Built } from './answer.ts'
import { type Question, createPageCache } from './page-cache.ts'
import { createPageCopies } from './page-copies.ts'

const ovation = createDeployment({ partitions: 4 })
const { redis, keys } = ovation
afterAll(() => ovation.close())

type Views = { text: string }
const page = (text: string, more: Partial<Built<Views>> = {}): Built<Views> => {
  const degraded = more.degraded ?? []
  const about = { version: { term: 1, changes: 5 }, usesStore: false, isPoor: false, newest: '5', ...more, degraded }
  return { body: { items: [text], degraded }, views: { text }, ...about }
}
const question = (topic: string, build: Question<Views>['build']): Question<Views> => ({
  ...{ key: topic, topic, copy: 'newest', isLive: true, build },
})
/** An API process, as far as kept pages go. */
const process = () => createPageCache({ isHot: () => true, copies: createPageCopies(redis, keys) })
const textIn = ({ bytes }: { bytes: Buffer }) => (JSON.parse(bytes.toString()) as { items: string[] }).items[0]

/** A process that got its page from another one. */
async function copier(topic: string, text: string) {
  for (;;) {
    await process().take(question(topic, async () => page(text)))
    const cache = process()
    await cache.take(question(topic, async () => page(text)))
    if (cache.stats.copy === 1) return cache
  }
}

test('what MongoDB has of a page goes round among processes for little more than a second, as in one', async () => {
  let stored = 'before'
  let builds = 0
  const asked = question('moving', async (unless) => {
    if (unless) return undefined
    builds += 1
    return page(stored, { usesStore: true })
  })
  const processes = Array.from({ length: 12 }, process)
  const read = async () => Promise.all(processes.map(async (cache) => textIn(await cache.take(asked))))
  await until(async () => {
    await read()
    return processes.every(({ stats }) => stats.copy > 0)
  })
  stored = 'after'
  builds = 0
  await until(async () => (await read()).every((text) => text === 'after'), 5_000)
  expect(builds).toBeLessThan(processes.length)
})

test('a copy that cannot be read is none', async () => {
  const topic = 'foreign'
  await copier(topic, 'a')
  const overwritten = async () => {
    const names = await redis.keys(`${keys.prefix}*copy:*${topic}`)
    await Promise.all(names.map((name) => redis.set(name, 'from elsewhere\n{}', 'PX', 2_000)))
    return names.length
  }
  let seen = 0
  for (let n = 0; n < 20; n++) {
    seen += await overwritten()
    expect(textIn(await process().take(question(topic, async () => page('built'))))).toBe('built')
  }
  expect(seen).toBeGreaterThan(20)
})

test('who needs what a page was made from, and knows a copy only, gets what can be built, or the copy where nothing can', async () => {
  const thin = () => page('thin', { degraded: ['older'], isPoor: true })
  const cache = await copier('needed', 'copied')
  const made = await cache.withViews(question('needed', async () => thin()))
  expect([made.views, made.degraded]).toEqual([{ text: 'thin' }, ['older']])
  expect(textIn(await cache.take(question('needed', async () => thin())))).toBe('copied')

  const other = await copier('away', 'copied')
  const away = question('away', () => Promise.reject(new DomainError('unavailable', 'away')))
  const known = await other.withViews(away)
  expect([known.views, textIn(known), known.degraded]).toEqual([undefined, 'copied', ['stale']])
})
