import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { until } from '../deployment.ts'
import { type E2e, createE2e } from './api.ts'

const windowMs = 1_500
let e2e: E2e
let call: E2e['call']
beforeAll(async () => {
  e2e = await createE2e({ env: { EDIT_WINDOW_MS: String(windowMs), ALLOWED_ORIGINS: 'https://songs.example' } })
  ;({ call } = e2e)
  await e2e.consume()
})
afterAll(() => e2e.close())

let topics = 0
const freshTopic = () => `song:command-${++topics}`
const star = { sub: 'star', name: 'Star', role: 'artist', topics: ['song:command-*'] }
const mod = { sub: 'mod', name: 'Mod', role: 'moderator', topics: ['song:*'] }

const comments = (topic: string) => `/v1/topics/${topic}/comments`
type Post = { as?: string | typeof star; parentId?: string }
async function post(topic: string, body: string, { as = 'ann', parentId }: Post = {}) {
  const answer = await call('POST', comments(topic), { as, body: { body, ...(parentId ? { parentId } : {}) } })
  expect(answer.status).toBe(201)
  return answer.body
}
const list = async (topic: string, query = '') => (await call('GET', `${comments(topic)}${query}`)).body
const code = ({ status, body }: { status: number; body: { code: string } }) => `${status} ${body.code}`

describe('posting', () => {
  test('answers 201 with the whole comment, its address and a write token', async () => {
    const topic = freshTopic()
    const picture = 'https://pictures.example/ann.png'
    const { status, headers, body } = await call('POST', comments(topic), {
      as: { sub: 'ann', name: ' Ann ', picture },
      body: { body: '  **Hello** <b>you</b>\n' },
    })
    expect(status).toBe(201)
    expect(body).toMatchObject({
      topic,
      parentId: null,
      rootId: null,
      author: { id: 'ann', name: 'Ann', picture, role: 'user' },
      body: '**Hello** <b>you</b>',
      html: '<p><strong>Hello</strong> &lt;b&gt;you&lt;/b&gt;</p>\n',
      editedAt: null,
      state: 'visible',
      pinned: false,
      likes: 0,
      replies: 0,
      firstReplies: [],
    })
    expect(Math.abs(Date.now() - Date.parse(body.createdAt))).toBeLessThan(60_000)
    expect(headers.get('location')).toBe(`${comments(topic)}/${body.id}`)
    expect(headers.get('ovation-write')).toBe(body.writeToken)
    expect((await call('GET', `${headers.get('location')}?after=${body.writeToken}`)).status).toBe(200)
  })

  test('a reply to a reply keeps its root and its parent', async () => {
    const topic = freshTopic()
    const root = await post(topic, 'root')
    const reply = await post(topic, 'reply', { as: 'bob', parentId: root.id })
    const nested = await post(topic, 'nested', { as: 'cid', parentId: reply.id })
    expect(reply).toMatchObject({ parentId: root.id, rootId: root.id })
    expect(nested).toMatchObject({ parentId: reply.id, rootId: root.id })
    await e2e.caughtUp()
    const [shown] = (await list(topic)).items
    expect(shown).toMatchObject({ id: root.id, replies: 2, firstReplies: [{ id: reply.id }, { id: nested.id, parentId: reply.id }] })
  })

  test('a reply needs a parent of its own topic that is not deleted', async () => {
    const [topic, other] = [freshTopic(), freshTopic()]
    const parent = await post(topic, 'here')
    const reply = (place: string) => call('POST', comments(place), { as: 'bob', body: { body: 'x', parentId: parent.id } })
    expect(code(await reply(other))).toBe('404 not-found')
    await call('DELETE', `${comments(topic)}/${parent.id}`, { as: 'ann' })
    await e2e.caughtUp()
    expect(code(await reply(topic))).toBe('404 not-found')
  })

  test("an artist's role shows on their own topics only, and a moderator's likewise", async () => {
    const topic = freshTopic()
    expect((await post(topic, 'mine', { as: star })).author).toEqual({ id: 'star', name: 'Star', role: 'artist' })
    expect((await post('clip:elsewhere', 'a guest', { as: star })).author.role).toBe('user')
    expect((await post('clip:elsewhere', 'a guest', { as: mod })).author.role).toBe('user')
    expect((await post(topic, 'on duty', { as: mod })).author.role).toBe('moderator')
  })
})

describe('an Idempotency-Key', () => {
  const keyed = (topic: string, key: string, body: unknown, as = 'ann') =>
    call('POST', comments(topic), { as, body, headers: { 'idempotency-key': key } })

  test('gives a repeat the first answer, after an edit and a deletion too', async () => {
    const topic = freshTopic()
    const first = await keyed(topic, 'k1', { body: 'first' })
    const again = await keyed(topic, 'k1', { body: 'first' })
    expect(again.status).toBe(201)
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('location')).toBe(first.headers.get('location'))
    await call('PATCH', `${comments(topic)}/${first.body.id}`, { as: 'ann', body: { body: 'edited' } })
    await e2e.caughtUp()
    expect((await keyed(topic, 'k1', { body: 'first' })).body).toEqual(first.body)
    await call('DELETE', `${comments(topic)}/${first.body.id}`, { as: 'ann' })
    await e2e.caughtUp()
    expect((await keyed(topic, 'k1', { body: 'first' })).body).toEqual(first.body)
  })

  test('sent 20 times at once makes one comment', async () => {
    const topic = freshTopic()
    const answers = await Promise.all(Array.from({ length: 20 }, () => keyed(topic, 'k', { body: 'one' })))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
    expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
    await e2e.caughtUp()
    expect((await list(topic)).items).toHaveLength(1)
  })

  test('is refused for another body, another parent and another call', async () => {
    const topic = freshTopic()
    const { body: root } = await keyed(topic, 'k', { body: 'one' })
    expect(code(await keyed(topic, 'k', { body: 'two' }))).toBe('422 idempotency-key-reused')
    expect(code(await keyed(topic, 'k', { body: 'one', parentId: root.id }))).toBe('422 idempotency-key-reused')
    const report = await call('POST', `${comments(topic)}/${root.id}/reports`, {
      as: 'ann',
      body: { reason: 'one' },
      headers: { 'idempotency-key': 'k' },
    })
    expect(code(report)).toBe('422 idempotency-key-reused')
  })

  test('belongs to one user and one topic', async () => {
    const [topic, other] = [freshTopic(), freshTopic()]
    const answers = [
      await keyed(topic, 'k', { body: 'x' }),
      await keyed(topic, 'k', { body: 'y' }, 'bob'),
      await keyed(other, 'k', { body: 'z' }),
    ]
    expect(answers.map(({ status, body }) => `${status} ${body.body}`)).toEqual(['201 x', '201 y', '201 z'])
  })
})

describe('editing', () => {
  test('answers with the comment as edited; everybody sees it', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'before')
    const { status, headers, body } = await call('PATCH', `${comments(topic)}/${id}`, { as: 'ann', body: { body: ' after ' } })
    expect(status).toBe(200)
    expect(body).toMatchObject({ id, body: 'after', html: '<p>after</p>\n', state: 'visible' })
    expect(Date.parse(body.editedAt)).toBeGreaterThanOrEqual(Date.parse(body.createdAt))
    expect(headers.get('ovation-write')).toBe(body.writeToken)
    await e2e.caughtUp()
    const { comment } = (await call('GET', `${comments(topic)}/${id}`)).body
    expect({ ...comment, writeToken: body.writeToken }).toEqual(body)
  })

  test('is for the author, whoever else asks', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'mine')
    for (const as of ['bob', mod, star]) {
      expect(code(await call('PATCH', `${comments(topic)}/${id}`, { as, body: { body: 'theirs' } }))).toBe('403 not-the-author')
    }
  })

  test('ends with the edit window', async () => {
    const topic = freshTopic()
    const { id, createdAt } = await post(topic, 'soon fixed')
    await until(async () => Date.now() > Date.parse(createdAt) + windowMs + 50)
    expect(code(await call('PATCH', `${comments(topic)}/${id}`, { as: 'ann', body: { body: 'late' } }))).toBe('409 edit-window-over')
  })
})

describe('deleting', () => {
  test('leaves nothing where no replies hang', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'gone soon')
    const { status, headers } = await call('DELETE', `${comments(topic)}/${id}`, { as: 'ann' })
    expect(status).toBe(204)
    expect(headers.get('ovation-write')).toBeTruthy()
    await e2e.caughtUp()
    expect((await list(topic)).items).toEqual([])
    expect((await call('GET', `/v1/counts?topics=${topic}`)).body.counts[topic]).toEqual({ total: 0, roots: 0 })
    expect((await call('DELETE', `${comments(topic)}/${id}`, { as: 'ann' })).status).toBe(204)
    expect((await call('PATCH', `${comments(topic)}/${id}`, { as: 'ann', body: { body: 'back' } })).status).toBe(404)
  })

  test('leaves a tombstone without words where replies hang, until they are gone too', async () => {
    const topic = freshTopic()
    const root = await post(topic, 'a secret')
    const reply = await post(topic, 'reply', { as: 'bob', parentId: root.id })
    await call('DELETE', `${comments(topic)}/${root.id}`, { as: 'ann' })
    await e2e.caughtUp()
    const { items } = await list(topic)
    expect(items).toMatchObject([{ id: root.id, body: null, html: null, state: 'deleted', replies: 1, firstReplies: [{ id: reply.id }] }])
    expect(JSON.stringify(items)).not.toContain('a secret')
    expect((await call('GET', `${comments(topic)}/${root.id}/replies`)).body.items).toMatchObject([{ id: reply.id, body: 'reply' }])
    expect((await call('GET', `/v1/counts?topics=${topic}`)).body.counts[topic]).toEqual({ total: 1, roots: 0 })
    await call('DELETE', `${comments(topic)}/${reply.id}`, { as: 'bob' })
    await e2e.caughtUp()
    expect((await list(topic)).items).toEqual([])
  })

  test('is for the author and the moderators of the topic', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'mine')
    const path = `${comments(topic)}/${id}`
    const others = ['bob', star, { ...mod, topics: ['clip:*'] }]
    for (const as of others) expect(code(await call('DELETE', path, { as }))).toBe('403 not-the-author')
    expect((await call('DELETE', path, { as: mod })).status).toBe(204)
    await e2e.caughtUp()
    expect((await call('DELETE', path, { as: { sub: 'root', role: 'admin' } })).status).toBe(204)
    expect(await e2e.collections.comments.findOne({ topic, commentId: id })).toMatchObject({ deleted: { by: 'moderator' } })
  })
})

describe('liking', () => {
  test('counts a user once, however often they say it', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'likeable')
    const like = (method: string, as: string) => call(method, `${comments(topic)}/${id}/like`, { as })
    const likes = async () => {
      await e2e.caughtUp()
      return (await list(topic)).items[0].likes
    }
    for (const as of ['bob', 'bob', 'cid', 'ann']) {
      const { status, headers } = await like('PUT', as)
      expect([status, typeof headers.get('ovation-write')]).toEqual([204, 'string'])
    }
    expect(await likes()).toBe(3)
    for (const as of ['bob', 'bob', 'never']) expect((await like('DELETE', as)).status).toBe(204)
    expect(await likes()).toBe(2)
    const { body } = await call('GET', `/v1/topics/${topic}/viewer?comments=${id}`, { as: 'bob' })
    expect(body).toEqual({ liked: [], fresh: [], degraded: [] })
    expect((await call('GET', `/v1/topics/${topic}/viewer?comments=${id}`, { as: 'cid' })).body.liked).toEqual([id])
  })

  test('reaches MongoDB merged', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'archived')
    await post(topic, 'reply', { parentId: id })
    for (const as of ['bob', 'cid']) await call('PUT', `${comments(topic)}/${id}/like`, { as })
    await until(async () => {
      const found = await e2e.collections.comments.findOne({ topic, commentId: id })
      return found?.likes?.n === 2 && found.replies?.n === 1
    })
  })
})

describe('pinning', () => {
  const pin = (topic: string, id: string, as: object, method = 'PUT') =>
    call(method, `${comments(topic)}/${id}/pin`, { as: as as typeof star })

  test("is for the topic's artist and moderators", async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'pin me')
    const others = [{ sub: 'ann' }, { ...star, topics: ['song:other'] }, { ...mod, topics: [] }, { sub: 'x', role: 'user', topics: ['*'] }]
    for (const as of others) expect(code(await pin(topic, id, as))).toBe('403 not-allowed')
    for (const as of [star, mod, { sub: 'root', role: 'admin' }]) expect((await pin(topic, id, as)).status).toBe(204)
  })

  test('shows the newest three first, outside the limit, on the first page only and not again below', async () => {
    const topic = freshTopic()
    const posted = []
    for (let n = 1; n <= 8; n++) posted.push(await post(topic, `c${n}`))
    for (const n of [1, 2, 3, 4]) await pin(topic, posted[n - 1].id, star)
    await pin(topic, posted[0].id, star)
    await e2e.caughtUp()
    const said = ({ items }: { items: { body: string; pinned: boolean }[] }) =>
      items.map(({ body, pinned }) => (pinned ? `*${body}` : body))
    const first = await list(topic, '?limit=3')
    expect(said(first)).toEqual(['*c1', '*c4', '*c3', 'c8', 'c7', 'c6'])
    const second = await list(topic, `?limit=3&cursor=${first.nextCursor}`)
    expect(said(second)).toEqual(['c5', '*c2'])
    expect(second.nextCursor).toBeNull()
    await pin(topic, posted[3].id, star, 'DELETE')
    await call('DELETE', `${comments(topic)}/${posted[2].id}`, { as: 'ann' })
    await e2e.caughtUp()
    expect(said(await list(topic, '?sort=oldest&limit=2'))).toEqual(['*c1', '*c2', 'c4', 'c5'])
  })

  test('takes the priority lane, as artists and moderators do', async () => {
    const topic = freshTopic()
    const { id, writeToken } = await post(topic, 'plain')
    const pinned = await pin(topic, id, star)
    const own = await post(topic, 'by the artist', { as: star })
    const guest = await post('clip:elsewhere', 'as a guest', { as: star })
    const hide = await call('PUT', `${comments(topic)}/${id}/visibility`, { as: mod, body: { state: 'hidden', reason: 'spam' } })
    const lanes = [writeToken, pinned.headers.get('ovation-write'), own.writeToken, guest.writeToken, hide.headers.get('ovation-write')]
    expect(lanes.map((token: string) => token[0])).toEqual(['g', 'p', 'p', 'g', 'p'])
  })
})

describe('reports and visibility', () => {
  test('a report is taken and in the archive', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'rude')
    const { status, headers } = await call('POST', `${comments(topic)}/${id}/reports`, { as: 'bob', body: { reason: ' it is rude ' } })
    expect(status).toBe(202)
    expect(headers.get('ovation-write')).toBeTruthy()
    await e2e.caughtUp()
    const [event] = await e2e.collections.events.find({ topic, type: 'comment.reported' }).toArray()
    expect(JSON.parse(event!.data)).toEqual({ commentId: id, personal: { reason: 'it is rude' } })
  })

  test('a moderator hides a comment and shows it again; a deleted one stays deleted', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'hide me')
    const set = (state: string, as: object = mod) =>
      call('PUT', `${comments(topic)}/${id}/visibility`, { as: as as typeof mod, body: { state, reason: 'why' } })
    const total = async () => {
      await e2e.caughtUp()
      return (await call('GET', `/v1/counts?topics=${topic}`)).body.counts[topic].total
    }
    for (const as of [{ sub: 'ann' }, star, { ...mod, topics: ['clip:*'] }]) expect(code(await set('hidden', as))).toBe('403 not-allowed')
    for (const state of ['hidden', 'hidden']) expect((await set(state)).status).toBe(204)
    expect(await total()).toBe(0)
    expect((await list(topic)).items).toEqual([])
    const { comment } = (await call('GET', `${comments(topic)}/${id}`)).body
    expect(comment).toMatchObject({ state: 'hidden', body: null, html: null })
    expect((await set('visible')).status).toBe(204)
    expect(await total()).toBe(1)
    expect((await list(topic)).items).toMatchObject([{ id, body: 'hide me', state: 'visible' }])
    await call('DELETE', `${comments(topic)}/${id}`, { as: 'ann' })
    expect(await total()).toBe(0)
    expect(code(await set('hidden'))).toBe('404 not-found')
    expect(code(await set('visible'))).toBe('404 not-found')
    expect((await list(topic)).items).toEqual([])
  })

  test('hiding what is being deleted, before any model knows, ends deleted', async () => {
    const topic = freshTopic()
    const { id } = await post(topic, 'both')
    await Promise.all([
      call('DELETE', `${comments(topic)}/${id}`, { as: 'ann' }),
      call('PUT', `${comments(topic)}/${id}/visibility`, { as: mod, body: { state: 'hidden', reason: 'x' } }),
      call('PUT', `${comments(topic)}/${id}/visibility`, { as: mod, body: { state: 'visible', reason: 'x' } }),
    ])
    await e2e.caughtUp()
    expect((await list(topic)).items).toEqual([])
    expect((await call('GET', `/v1/counts?topics=${topic}`)).body.counts[topic]).toEqual({ total: 0, roots: 0 })
  })
})
