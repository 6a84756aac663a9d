import { afterEach, expect, test, vi } from 'vitest'
import { createLedger } from './ledger.ts'
import { createTopics } from './topics.ts'
import { verifyLikes } from './verify-answers.ts'

afterEach(() => vi.unstubAllGlobals())

test('of many liked comments those of the landed topic are looked at, and it is told of how many', async () => {
  const topics = createTopics(10, 't')
  const ledger = createLedger()
  const like = (topic: number, i: number) => ({
    kind: 'like' as const,
    topic,
    id: `${topic}-${i}`,
    user: 'a',
    isLiked: true,
    entryId: `${i}-0`,
  })
  const liked = [...topics.names.keys()].flatMap((topic) => Array.from({ length: 100 }, (_, i) => like(topic, i)))
  ledger.add(liked, { posts: 0, events: 0 })
  const asked: string[] = []
  vi.stubGlobal('fetch', async (url: string) => {
    asked.push(url)
    return Response.json({ likes: 1 })
  })
  const likes = await verifyLikes({ url: '', ledger, topics })
  expect(likes).toMatchObject({ expected: 500, missing: 0, lookedAt: '500 of 1,000 liked comments were looked at' })
  expect(asked.filter((url) => url.includes(`/${topics.names[topics.landed]}/`))).toHaveLength(100)
})
