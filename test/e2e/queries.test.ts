import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { positionOfComment } from '../../src/events/position.ts'
import { type Commands, commandsOn } from '../commands.ts'
import { until } from '../deployment.ts'
import { type E2e, createE2e } from './api.ts'

let e2e: E2e
let call: E2e['call']
let people: Commands
beforeAll(async () => {
  e2e = await createE2e()
  ;({ call } = e2e)
  people = commandsOn(e2e.append)
  await e2e.consume()
})
afterAll(() => e2e.close())

let topics = 0
const freshTopic = () => `song:query-${++topics}`
const comments = (topic: string) => `/v1/topics/${topic}/comments`
const get = async (path: string, as?: string) => (await call('GET', path, as ? { as } : {})).body
type Item = { id: string; body: string | null }
const ids = ({ items }: { items: Item[] }) => items.map(({ id }) => id)

async function postMany(topic: string, count: number, parentId?: string): Promise<string[]> {
  const made: string[] = []
  for (let begin = 0; begin < count; begin += 50) {
    const batch = Array.from({ length: Math.min(50, count - begin) }, (_, i) =>
      people.posted(topic, 'ann', { body: `n${begin + i}`, ...(parentId ? { parentId } : {}) }),
    )
    made.push(...(await Promise.all(batch)))
  }
  return made.sort()
}

/** Follows `nextCursor` to the end; `between` runs after each page. */
async function walk(path: string, between: (page: number) => Promise<unknown> = async () => {}): Promise<string[]> {
  const seen: string[] = []
  let cursor = ''
  for (let page = 1; ; page++) {
    const answer = await get(`${path}${cursor && `&cursor=${cursor}`}`)
    // Looked up once a second: it may still be said when the store has just caught up.
    expect(answer.degraded.filter((part: string) => part !== 'backlog')).toEqual([])
    seen.push(...ids(answer))
    if (answer.nextCursor === null) return seen
    cursor = answer.nextCursor
    await between(page)
  }
}

describe('paging', () => {
  const topic = 'song:long'
  let posted: string[]
  beforeAll(async () => {
    posted = await postMany(topic, 340)
    await e2e.caughtUp()
    expect(await e2e.redis.hget(e2e.keys.of(topic).feed(topic), 'floor')).toBeTruthy()
  })

  test.each([7, 100])('newest, %d a page, across the floor of the feed: each once, in order', async (limit) => {
    expect(await walk(`${comments(topic)}?limit=${limit}`)).toEqual(posted.toReversed())
  })

  test.each([9, 100])('oldest, %d a page', async (limit) => {
    expect(await walk(`${comments(topic)}?sort=oldest&limit=${limit}`)).toEqual(posted)
  })

  test('newest and oldest while others post between the pages: no holes, none twice', async () => {
    const before = posted
    const more = async (page: number) => {
      if (page > 4) return
      posted = [...posted, ...(await postMany(topic, 5))].sort()
      await e2e.caughtUp()
    }
    expect(await walk(`${comments(topic)}?limit=60`, more)).toEqual(before.toReversed())
    expect(await walk(`${comments(topic)}?sort=oldest&limit=60`, more)).toEqual(posted)
  })

  test('pins and tombstones on the way make no holes', async () => {
    const pins = [posted[5]!, posted[150]!, posted.at(-3)!]
    for (const id of pins) await people.pin(topic, id)
    const [gone, stone] = [posted[20]!, posted[21]!]
    await people.posted(topic, 'bob', { parentId: stone })
    await people.remove(topic, 'ann', gone)
    await people.remove(topic, 'ann', stone)
    await e2e.caughtUp()
    // Numbers reach MongoDB within a second; it holds a tombstone by its replies.
    await until(async () => (await e2e.collections.comments.findOne({ topic, commentId: stone }))?.replies?.n === 1)
    const shown = posted.filter((id) => id !== gone)
    const walked = await walk(`${comments(topic)}?limit=25`)
    expect(walked.slice(0, 3)).toEqual(pins.toReversed())
    expect(walked.slice(3)).toEqual(shown.filter((id) => !pins.includes(id)).toReversed())
    expect((await walk(`${comments(topic)}?sort=oldest&limit=25`)).slice(3)).toEqual(shown.filter((id) => !pins.includes(id)))
  })

  test('many in a row that do not show are passed over, in every order and among first replies', async () => {
    const topic = freshTopic()
    const made = await postMany(topic, 60)
    const replies = await postMany(topic, 25, made[0])
    for (const id of [...made.slice(10, 50), ...replies.slice(0, 20)]) await people.remove(topic, 'ann', id)
    await e2e.caughtUp()
    const shown = [...made.slice(0, 10), ...made.slice(50)]
    expect(await walk(`${comments(topic)}?limit=5&sort=oldest`)).toEqual(shown)
    expect(await walk(`${comments(topic)}?limit=5`)).toEqual(shown.toReversed())
    expect((await walk(`${comments(topic)}?limit=5&sort=hot`)).toSorted()).toEqual(shown)
    const [first] = (await get(`${comments(topic)}?limit=1&sort=oldest`)).items
    expect(ids({ items: first.firstReplies })).toEqual(replies.slice(20, 23))
  })

  test('an old pin and its permalink have the first replies of all, not of the newest', async () => {
    const topic = freshTopic()
    const pinned = await people.posted(topic, 'ann', { body: 'pinned' })
    const early = await postMany(topic, 4, pinned)
    await people.pin(topic, pinned)
    await postMany(topic, 310)
    const late = await people.posted(topic, 'ann', { body: 'a late reply', parentId: pinned })
    await e2e.caughtUp()
    for (const { firstReplies } of [(await get(comments(topic))).items[0], (await get(`${comments(topic)}/${pinned}`)).comment]) {
      expect(ids({ items: firstReplies })).toEqual(early.slice(0, 3))
      expect(ids({ items: firstReplies })).not.toContain(late)
    }
  })

  test('a cursor belongs to its sort', async () => {
    const { nextCursor } = await get(`${comments(topic)}?limit=1`)
    const { status, body } = await call('GET', `${comments(topic)}?sort=oldest&cursor=${nextCursor}`)
    expect([status, body.code, body.issues[0].path]).toEqual([422, 'invalid-input', 'cursor'])
  })
})

describe('hot order', () => {
  /** Ranks as the projections would write them. */
  const rank = (topic: string, ranks: [string, number][]) =>
    e2e.redis.zadd(e2e.keys.of(topic).ranked(topic), ...ranks.flatMap(([id, score]) => [score, positionOfComment(id)!]))
  const unrank = (topic: string) => e2e.redis.del(e2e.keys.of(topic).ranked(topic))

  test('highest rank first, the later of equals; pages go on by cursor, below the floor too, without what does not show', async () => {
    const topic = freshTopic()
    const made = await postMany(topic, 330)
    await people.posted(topic, 'bob', { parentId: made[2]!, body: 'an old reply' })
    await people.remove(topic, 'ann', made[4]!)
    await people.remove(topic, 'ann', made[320]!)
    await people.pin(topic, made[6]!)
    await e2e.caughtUp()
    await until(async () => (await e2e.collections.comments.findOne({ topic, commentId: made[2]! }))?.replies?.n === 1)
    const ranks = [2, 325, 4, 6, 5, 320, 310, 1, 329].map((n, place): [string, number] => [made[n]!, 1_000.5 - (place >> 1)])
    await unrank(topic)
    await rank(topic, ranks)
    const expected = [325, 2, 5, 310, 1, 329].map((n) => made[n])
    const first = await get(`${comments(topic)}?sort=hot&limit=4`)
    expect(ids(first)).toEqual([made[6], ...expected.slice(0, 4)])
    expect(first.items[2]).toMatchObject({ id: made[2], replies: 1, firstReplies: [{ body: 'an old reply' }] })
    for (const limit of [1, 2, 4, 5, 100]) {
      expect([limit, await walk(`${comments(topic)}?sort=hot&limit=${limit}`)]).toEqual([limit, [made[6], ...expected]])
    }
  })

  test('a rank that moved while one pages does not end the list', async () => {
    const topic = freshTopic()
    const made = await postMany(topic, 6)
    await e2e.caughtUp()
    await unrank(topic)
    await rank(
      topic,
      made.map((id, n) => [id, 100 - n]),
    )
    const { nextCursor } = await get(`${comments(topic)}?sort=hot&limit=2`)
    await rank(topic, [[made[1]!, 200]])
    expect(ids(await get(`${comments(topic)}?sort=hot&limit=2&cursor=${nextCursor}`))).toEqual([made[2], made[3]])
  })

  test('is kept as comments come and are liked', async () => {
    const topic = freshTopic()
    const [, , c] = await postMany(topic, 3)
    const [a] = await postMany(topic, 1)
    for (const user of ['bob', 'cid', 'dan', 'eve']) await people.like(topic, user, c!)
    await e2e.caughtUp()
    await until(async () => ids(await get(`${comments(topic)}?sort=hot`))[0] === c)
    expect(ids(await get(`${comments(topic)}?sort=hot`))[1]).toBe(a)
  })

  test('of a topic nobody wrote on is empty; its cursor is no other order’s', async () => {
    expect(await get(`${comments('song:silent')}?sort=hot`)).toEqual({ items: [], nextCursor: null, degraded: [] })
    const topic = freshTopic()
    await postMany(topic, 3)
    await e2e.caughtUp()
    await until(async () => (await get(`${comments(topic)}?sort=hot&limit=1`)).nextCursor !== null)
    const { nextCursor } = await get(`${comments(topic)}?sort=hot&limit=1`)
    for (const sort of ['newest', 'oldest'])
      expect((await call('GET', `${comments(topic)}?sort=${sort}&cursor=${nextCursor}`)).status).toBe(422)
    const oldest = (await get(`${comments(topic)}?sort=oldest&limit=1`)).nextCursor
    expect((await call('GET', `${comments(topic)}?sort=hot&cursor=${oldest}`)).status).toBe(422)
    for (const forged of ['h/1795510601966-000000', 'h1e999/1795510601966-000000', 'hx/1795510601966-000000', 'h1/x'])
      expect((await call('GET', `${comments(topic)}?sort=hot&cursor=${Buffer.from(forged).toString('base64url')}`)).status).toBe(422)
  })
})

describe('pins', () => {
  test('deleted ones take no place; a pinned reply says so in its list', async () => {
    const topic = freshTopic()
    const made = await postMany(topic, 6)
    const [reply] = await postMany(topic, 1, made[0])
    for (const id of [reply!, ...made.slice(0, 5)]) await people.pin(topic, id)
    for (const id of [made[4]!, made[3]!]) await people.remove(topic, 'ann', id)
    await e2e.caughtUp()
    const { items } = await get(comments(topic))
    expect(items.slice(0, 3).map(({ id }: Item) => id)).toEqual([made[2], made[1], made[0]])
    expect(items[2].firstReplies[0]).toMatchObject({ id: reply, pinned: true })
    expect((await get(`${comments(topic)}/${made[0]}/replies`)).items[0]).toMatchObject({ id: reply, pinned: true })
  })
})

describe('replies', () => {
  test('are paged oldest first, across the floor of the feed, and preview their first three', async () => {
    const topic = freshTopic()
    const root = await people.posted(topic, 'ann')
    const replies = await postMany(topic, 320, root)
    await e2e.caughtUp()
    const path = `${comments(topic)}/${root}/replies`
    expect(await walk(`${path}?limit=33`)).toEqual(replies)
    const [shown] = (await get(comments(topic))).items
    expect(shown).toMatchObject({ id: root, replies: 320 })
    expect(shown.firstReplies.map(({ id }: Item) => id)).toEqual(replies.slice(0, 3))
    expect((await get(`${path}?limit=2`)).items[0]).toMatchObject({ parentId: root, rootId: root, firstReplies: [] })
  })

  test('of a comment without any are none; of an unknown one, 404', async () => {
    const topic = freshTopic()
    const id = await people.posted(topic, 'ann')
    await e2e.caughtUp()
    expect(await get(`${comments(topic)}/${id}/replies`)).toEqual({ items: [], nextCursor: null, degraded: [] })
    expect((await call('GET', `${comments('song:elsewhere')}/${id}/replies`)).status).toBe(404)
  })
})

describe('a permalink', () => {
  test('has the root and the neighbours, among roots and among replies', async () => {
    const topic = freshTopic()
    const [a, b, c] = await postMany(topic, 3)
    const [x, y, z] = await postMany(topic, 3, b)
    await e2e.caughtUp()
    const around = async (id: string) => {
      const { comment, root, previous, next } = await get(`${comments(topic)}/${id}`)
      return [previous?.id, comment.id, next?.id, root?.id]
    }
    expect(await around(a!)).toEqual([undefined, a, b, undefined])
    expect(await around(b!)).toEqual([a, b, c, undefined])
    expect(await around(c!)).toEqual([b, c, undefined, undefined])
    expect(await around(x!)).toEqual([undefined, x, y, b])
    expect(await around(z!)).toEqual([y, z, undefined, b])
    const { comment } = await get(`${comments(topic)}/${b}`)
    expect(comment).toMatchObject({ replies: 3, firstReplies: [{ id: x }, { id: y }, { id: z }] })
  })

  test('finds what left the feed long ago, with its neighbours', async () => {
    const topic = freshTopic()
    const posted = await postMany(topic, 310)
    await e2e.caughtUp()
    const { comment, previous, next } = await get(`${comments(topic)}/${posted[9]}`)
    expect([previous, comment, next].map(({ id }: Item) => id)).toEqual([posted[8], posted[9], posted[10]])
  })

  test('of another topic is not found', async () => {
    const id = await people.posted(freshTopic(), 'ann')
    await e2e.caughtUp()
    expect((await call('GET', `${comments('song:elsewhere')}/${id}`)).status).toBe(404)
  })
})

describe('counts, topics and the viewer', () => {
  test('counts come for each topic asked, none for one nobody wrote on', async () => {
    const topic = freshTopic()
    const [root] = await postMany(topic, 2)
    await postMany(topic, 3, root)
    await e2e.caughtUp()
    expect(await get(`/v1/counts?topics=${topic},song:silent,${topic}`)).toEqual({
      counts: { [topic]: { total: 5, roots: 2 }, 'song:silent': { total: 0, roots: 0 } },
    })
  })

  test('a hundred topics are counted at once', async () => {
    const many = Array.from({ length: 100 }, (_, n) => `song:${'x'.repeat(120)}${n}`)
    const { counts } = await get(`/v1/counts?topics=${many.join(',')}`)
    expect(Object.keys(counts)).toEqual(many)
  })

  test('topics come with the most recently active first', async () => {
    const [one, two] = [freshTopic(), freshTopic()]
    await people.posted(one, 'ann')
    await people.posted(two, 'ann')
    await e2e.caughtUp()
    const { items } = await get('/v1/topics?limit=2')
    expect(items).toMatchObject([
      { topic: two, total: 1, roots: 1 },
      { topic: one, total: 1, roots: 1 },
    ])
  })

  test("the viewer's likes are theirs alone, and never cached", async () => {
    const topic = freshTopic()
    const [a, b] = await postMany(topic, 2)
    await people.like(topic, 'bob', a!)
    await people.like(topic, 'bob', b!)
    await people.unlike(topic, 'bob', b!)
    await e2e.caughtUp()
    const { headers, body } = await call('GET', `/v1/topics/${topic}/viewer?comments=${a},${b}`, { as: 'bob' })
    expect(body).toEqual({ liked: [a], fresh: [], degraded: [] })
    expect(headers.get('cache-control')).toBe('private, no-store')
    expect((await get(`/v1/topics/${topic}/viewer?comments=${a},${b}`, 'cid')).liked).toEqual([])
    expect(await get(`/v1/topics/${topic}/viewer`, 'bob')).toEqual({ liked: [], fresh: [], degraded: [] })
  })
})

test('a topic nobody wrote on has an empty list', async () => {
  expect(await get(comments('song:silent'))).toEqual({ items: [], nextCursor: null, degraded: [] })
})
