import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type E2e, createE2e } from './api.ts'

const star = { sub: 'star', name: 'Star', role: 'artist', topics: ['song:own-*'] }
const mod = { sub: 'mod', name: 'Mod', role: 'moderator', topics: ['song:own-*'] }
type Who = string | typeof star

let e2e: E2e
let call: E2e['call']
let topics = 0
const freshTopic = () => `song:own-${++topics}`
const comments = (topic: string) => `/v1/topics/${topic}/comments`
async function post(topic: string, body: string, { as = 'ann', parentId }: { as?: Who; parentId?: string } = {}) {
  const answer = await call('POST', comments(topic), { as, body: { body, ...(parentId ? { parentId } : {}) } })
  expect(answer.status).toBe(201)
  return answer.body as { id: string; writeToken: string }
}
const tokenAfter = async (method: string, path: string, as: Who, body?: unknown) => {
  const { status, headers } = await call(method, path, { as, ...(body ? { body } : {}) })
  expect(status).toBeLessThan(300)
  return headers.get('ovation-write')!
}
const read = async (path: string, token: string) => {
  const { headers, body } = await call('GET', `${path}${path.includes('?') ? '&' : '?'}after=${token}`)
  expect(headers.get('cache-control')).toBe('private, no-store')
  return body
}
const said = ({ items }: { items: { body: string; pinned: boolean }[] }) => items.map(({ body, pinned }) => (pinned ? `*${body}` : body))

/** A topic whose comments are in the models, while nothing written from here on gets there. */
async function stoppedAt(bodies: string[], prepare: (topic: string, ids: string[]) => Promise<unknown> = async () => {}) {
  const topic = freshTopic()
  const consumers = await e2e.consume()
  const made: string[] = []
  for (const body of bodies) made.push((await post(topic, body)).id)
  await prepare(topic, made)
  await e2e.caughtUp()
  await consumers.stop()
  return { topic, ids: made, path: (n: number) => `${comments(topic)}/${made[n]}` }
}

beforeAll(async () => {
  e2e = await createE2e()
  ;({ call } = e2e)
})
afterAll(() => e2e.close())

describe('with every consumer stopped, a write token shows its reader', () => {
  test('a comment on an empty topic: list, permalink, replies, viewer', async () => {
    const topic = freshTopic()
    const { id, writeToken } = await post(topic, 'first!')
    expect((await call('GET', comments(topic))).body.items).toEqual([])
    expect(await read(comments(topic), writeToken)).toMatchObject({ items: [{ id, body: 'first!' }], nextCursor: null, degraded: [] })
    expect((await read(`${comments(topic)}?sort=oldest`, writeToken)).items).toMatchObject([{ id }])
    expect((await read(`${comments(topic)}/${id}`, writeToken)).comment).toMatchObject({ id, body: 'first!', state: 'visible' })
    expect((await read(`${comments(topic)}/${id}/replies`, writeToken)).items).toEqual([])
    const viewer = await call('GET', `/v1/topics/${topic}/viewer?after=${writeToken}`, { as: 'ann' })
    expect(viewer.body.fresh).toMatchObject([{ id, body: 'first!' }])
    expect((await call('GET', `/v1/topics/${topic}/viewer?after=${writeToken}`, { as: 'bob' })).body.fresh).toEqual([])
  })

  test('a comment among others: first among the newest, last among the oldest, on no other page', async () => {
    const { topic } = await stoppedAt(['a', 'b', 'c'])
    const { writeToken } = await post(topic, 'mine')
    expect(said(await read(comments(topic), writeToken))).toEqual(['mine', 'c', 'b', 'a'])
    const first = await read(`${comments(topic)}?limit=2`, writeToken)
    expect(said(first)).toEqual(['mine', 'c'])
    expect(said(await read(`${comments(topic)}?limit=2&cursor=${first.nextCursor}`, writeToken))).toEqual(['b', 'a'])
    const hottest = await read(`${comments(topic)}?sort=hot&limit=2`, writeToken)
    expect(said(hottest)).toEqual(['mine', 'c'])
    expect(said(await read(`${comments(topic)}?sort=hot&limit=2&cursor=${hottest.nextCursor}`, writeToken))).toEqual(['b', 'a'])
    const oldest = await read(`${comments(topic)}?sort=oldest&limit=2`, writeToken)
    expect(said(oldest)).toEqual(['a', 'b'])
    expect(said(await read(`${comments(topic)}?sort=oldest&limit=2&cursor=${oldest.nextCursor}`, writeToken))).toEqual(['c', 'mine'])
  })

  test('a reply: in its root, among the replies, at its permalink', async () => {
    const { topic, ids, path } = await stoppedAt(['root'])
    const { id, writeToken } = await post(topic, 'mine', { as: 'bob', parentId: ids[0]! })
    const [root] = (await read(comments(topic), writeToken)).items
    expect(root).toMatchObject({ body: 'root', replies: 1, firstReplies: [{ id, body: 'mine', parentId: ids[0] }] })
    expect((await read(`${path(0)}/replies`, writeToken)).items).toMatchObject([{ id, body: 'mine' }])
    expect((await read(path(0), writeToken)).comment).toMatchObject({ replies: 1, firstReplies: [{ id }] })
    expect(await read(`${comments(topic)}/${id}`, writeToken)).toMatchObject({ comment: { id }, root: { id: ids[0], replies: 1 } })
  })

  test('a reply to a comment that no model has either', async () => {
    const topic = freshTopic()
    const root = await post(topic, 'root')
    const { id, writeToken } = await post(topic, 'reply', { parentId: root.id })
    expect((await read(`${comments(topic)}/${root.id}/replies`, writeToken)).items).toMatchObject([{ id }])
    expect((await read(`${comments(topic)}/${id}`, writeToken)).comment).toMatchObject({ id, rootId: root.id })
  })

  test('an edit', async () => {
    const { topic, path } = await stoppedAt(['before'])
    const token = await tokenAfter('PATCH', path(0), 'ann', { body: 'after' })
    expect(said((await call('GET', comments(topic))).body)).toEqual(['before'])
    expect((await read(comments(topic), token)).items).toMatchObject([{ body: 'after', html: '<p>after</p>\n' }])
    expect((await read(path(0), token)).comment).toMatchObject({ body: 'after' })
  })

  test('an edit and a like of a reply, within its root as well', async () => {
    const { topic, ids } = await stoppedAt(['root'], (place, [root]) => post(place, 'before', { as: 'bob', parentId: root! }))
    const [{ firstReplies }] = (await call('GET', comments(topic))).body.items
    const reply = `${comments(topic)}/${firstReplies[0].id}`
    const edit = await tokenAfter('PATCH', reply, 'bob', { body: 'after' })
    expect((await read(comments(topic), edit)).items[0].firstReplies).toMatchObject([{ body: 'after' }])
    expect((await read(`${comments(topic)}/${ids[0]}/replies`, edit)).items).toMatchObject([{ body: 'after' }])
    const like = await tokenAfter('PUT', `${reply}/like`, 'cid')
    expect((await read(comments(topic), like)).items[0].firstReplies).toMatchObject([{ likes: 1 }])
    expect((await read(`${comments(topic)}/${ids[0]}/replies`, like)).items).toMatchObject([{ likes: 1 }])
    expect((await read(reply, like)).comment.likes).toBe(1)
  })

  test('a deletion, with and without replies', async () => {
    const { topic, path } = await stoppedAt(['stone', 'gone'], (place, [root]) => post(place, 'reply', { parentId: root! }))
    const gone = await tokenAfter('DELETE', path(1), 'ann')
    expect(said(await read(comments(topic), gone))).toEqual(['stone'])
    expect((await read(path(1), gone)).comment).toMatchObject({ state: 'deleted', body: null })
    const stone = await tokenAfter('DELETE', path(0), 'ann')
    const { items } = await read(comments(topic), stone)
    expect(items).toMatchObject([{ body: 'gone' }, { state: 'deleted', body: null, html: null, firstReplies: [{ body: 'reply' }] }])
  })

  test('a like, counted once, and taken back', async () => {
    const { topic, path } = await stoppedAt(['song'], (place, [id]) => call('PUT', `${comments(place)}/${id}/like`, { as: 'bob' }))
    const likes = async (token: string) => [(await read(comments(topic), token)).items[0].likes, (await read(path(0), token)).comment.likes]
    expect(await likes(await tokenAfter('PUT', `${path(0)}/like`, 'cid'))).toEqual([2, 2])
    expect(await likes(await tokenAfter('PUT', `${path(0)}/like`, 'bob'))).toEqual([1, 1])
    expect(await likes(await tokenAfter('DELETE', `${path(0)}/like`, 'bob'))).toEqual([0, 0])
  })

  test('a pin and its removal', async () => {
    const { topic, path } = await stoppedAt(['a', 'b', 'c'])
    const pin = await tokenAfter('PUT', `${path(0)}/pin`, star)
    expect(said(await read(comments(topic), pin))).toEqual(['*a', 'c', 'b'])
    expect(said(await read(`${comments(topic)}?limit=1`, pin))).toEqual(['*a', 'c'])
    expect((await read(path(0), pin)).comment.pinned).toBe(true)
    expect(said(await read(`${path(1)}/replies`, pin))).toEqual([])
    const first = await read(`${comments(topic)}?limit=1`, pin)
    expect(said(await read(`${comments(topic)}?limit=5&cursor=${first.nextCursor}`, pin))).toEqual(['b'])
  })

  test('a fourth pin in the place of the oldest, and the unpinned back in its own', async () => {
    const pins = async (place: string, made: string[]) => {
      for (const id of made.slice(0, 3)) await call('PUT', `${comments(place)}/${id}/pin`, { as: star })
    }
    const { topic, path } = await stoppedAt(['a', 'b', 'c', 'd', 'e'], pins)
    const pin = await tokenAfter('PUT', `${path(3)}/pin`, star)
    expect(said(await read(comments(topic), pin))).toEqual(['*d', '*c', '*b', 'e', '*a'])
    const unpin = await tokenAfter('DELETE', `${path(1)}/pin`, mod)
    expect(said(await read(comments(topic), unpin))).toEqual(['*c', '*a', 'e', 'd', 'b'])
    expect(said(await read(`${comments(topic)}?limit=1`, unpin))).toEqual(['*c', '*a', 'e'])
  })

  test('what a moderator hid and restored', async () => {
    const hide = (place: string, id: string) =>
      call('PUT', `${comments(place)}/${id}/visibility`, { as: mod, body: { state: 'hidden', reason: 'x' } })
    const { topic, path } = await stoppedAt(['seen', 'hidden'], (place, [, id]) => hide(place, id!))
    const restored = await tokenAfter('PUT', `${path(1)}/visibility`, mod, { state: 'visible', reason: 'x' })
    expect(said(await read(comments(topic), restored))).toEqual(['hidden', 'seen'])
    const hidden = await tokenAfter('PUT', `${path(0)}/visibility`, mod, { state: 'hidden', reason: 'x' })
    expect(said(await read(comments(topic), hidden))).toEqual([])
  })
})

describe('a token shown late', () => {
  test('brings back nothing that was hidden, edited or unpinned after', async () => {
    const topic = freshTopic()
    const consumers = await e2e.consume()
    const kept = await post(topic, 'kept')
    const gone = await post(topic, 'rude')
    const reply = await post(topic, 'rude too', { as: 'bob', parentId: kept.id })
    const edited = await post(topic, 'before')
    const pin = await tokenAfter('PUT', `${comments(topic)}/${kept.id}/pin`, star)
    const like = await tokenAfter('PUT', `${comments(topic)}/${kept.id}/like`, 'bob')
    await e2e.caughtUp()
    for (const { id } of [gone, reply])
      await call('PUT', `${comments(topic)}/${id}/visibility`, { as: mod, body: { state: 'hidden', reason: 'x' } })
    await call('PATCH', `${comments(topic)}/${edited.id}`, { as: 'ann', body: { body: 'after' } })
    await call('DELETE', `${comments(topic)}/${kept.id}/pin`, { as: star })
    await call('DELETE', `${comments(topic)}/${kept.id}/like`, { as: 'bob' })
    await e2e.caughtUp()
    await consumers.stop()
    const plain = (await call('GET', comments(topic))).body
    expect(said(plain)).toEqual(['after', 'kept'])
    for (const token of [gone.writeToken, reply.writeToken, edited.writeToken, pin, like, kept.writeToken])
      expect(await read(comments(topic), token)).toEqual(plain)
    expect((await read(`${comments(topic)}/${kept.id}`, reply.writeToken)).comment.firstReplies).toEqual([])
    expect((await read(`${comments(topic)}/${gone.id}`, gone.writeToken)).comment).toMatchObject({ state: 'hidden', body: null })
    expect((await read(`${comments(topic)}/${kept.id}/replies`, reply.writeToken)).items).toEqual([])
  })

  test('of a comment on a later page is not shown on the first', async () => {
    const topic = freshTopic()
    const { writeToken } = await post(topic, 'mine')
    for (const body of ['a', 'b', 'c']) await post(topic, body)
    const consumers = await e2e.consume()
    await e2e.caughtUp()
    await consumers.stop()
    expect(said(await read(`${comments(topic)}?limit=2`, writeToken))).toEqual(['c', 'b'])
    expect(said(await read(`${comments(topic)}?sort=oldest`, writeToken))).toEqual(['mine', 'a', 'b', 'c'])
  })
})

test.each(['forged', 'of another topic'])('a token %s is refused', async (kind) => {
  const topic = freshTopic()
  const { id, writeToken } = await post(topic, 'mine')
  const token = kind === 'forged' ? writeToken.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A')).replace(/\d-/, '1-') : writeToken
  const place = kind === 'forged' ? topic : 'song:elsewhere'
  for (const path of [comments(place), `${comments(place)}/${id}`, `${comments(place)}/${id}/replies`]) {
    const { status, body } = await call('GET', `${path}?after=${token}`)
    expect([status, body.code, body.issues[0].path]).toEqual([422, 'invalid-input', 'after'])
  }
  expect((await call('GET', `/v1/topics/${place}/viewer?after=${token}`, { as: 'ann' })).status).toBe(422)
})
