import { afterAll, beforeAll, expect, test } from 'vitest'
import { positionOfComment, commentIdAt } from '../src/events/position.ts'
import { type Deployment, createDeployment } from './deployment.ts'

let ovation: Deployment
beforeAll(() => {
  ovation = createDeployment()
})
afterAll(() => ovation.close())

const post = (topic: string, actor: string, body: string, parentId: string | null = null) =>
  ovation.append({
    type: 'comment.posted',
    topic,
    actor,
    correlationId: 'c1',
    facts: { role: 'user', parentId, writtenAt: null, ...(parentId ? {} : { rootId: null }) },
    personal: { name: actor.toUpperCase(), body },
    idempotency: { key: undefined, request: body },
    ...(parentId ? { target: { commentId: parentId, rootOf: 'reply' as const } } : {}),
  })
const idOf = (outcome: Awaited<ReturnType<typeof post>>) => {
  if (outcome.kind !== 'appended') throw new Error(outcome.kind)
  return commentIdAt(outcome.event.position)
}

test('a comment just posted can be replied to, liked, edited, pinned and deleted before any consumer has run', async () => {
  const topic = 'song:before'
  const root = idOf(await post(topic, 'ann', 'first'))
  const reply = idOf(await post(topic, 'bob', 'second', root))
  const nested = await post(topic, 'cid', 'third', reply)
  expect(nested).toMatchObject({ kind: 'appended', event: { data: { parentId: reply, rootId: root } } })
  const on = (
    type: 'comment.liked' | 'comment.edited' | 'comment.deleted' | 'comment.pinned',
    actor: string,
    commentId: string,
    more: object = {},
  ) => ovation.append({ type, topic, actor, correlationId: 'c', facts: { commentId }, target: { commentId }, ...more })
  await on('comment.liked', 'bob', root)
  await on('comment.edited', 'ann', root, {
    personal: { body: 'first, edited' },
    target: { commentId: root, rootOf: 'comment', mustBeAuthor: true, windowMs: 60_000 },
  })
  await on('comment.pinned', 'star', root, {
    personal: {},
    priority: true,
    target: { commentId: root, rootOf: 'comment', withSnapshot: true },
  })
  await on('comment.deleted', 'bob', reply, {
    facts: { commentId: reply, by: 'author' },
    target: { commentId: reply, rootOf: 'comment', mustBeAuthor: true },
  })
  await expect(
    on('comment.edited', 'eve', root, { personal: { body: 'x' }, target: { commentId: root, rootOf: 'comment', mustBeAuthor: true } }),
  ).rejects.toMatchObject({ code: 'not-the-author' })
  await expect(on('comment.liked', 'bob', '019a0000-0000-7000-8000-000000000000')).rejects.toMatchObject({ code: 'not-found' })

  await ovation.consume()
  await ovation.caughtUp()
  const documents = await ovation.collections.comments.find({ topic }).sort({ position: 1 }).toArray()
  expect(documents.map(({ commentId }) => commentId)).toEqual([root, reply, idOf(nested)])
  expect(documents[0]).toMatchObject({
    body: { text: 'first, edited' },
    pinned: { isPinned: true },
    rootId: null,
    author: { id: 'ann', name: 'ANN' },
  })
  expect(documents[1]).toMatchObject({ deleted: { by: 'author' }, rootId: root })
  expect(await ovation.collections.events.countDocuments({ topic })).toBe(7)
  const keys = ovation.keys.of(topic)
  expect(await ovation.redis.hgetall(keys.count(topic))).toMatchObject({ total: '2', roots: '1', [`r:${positionOfComment(root)}`]: '1' })
  expect(await ovation.redis.hget(keys.likes(topic), positionOfComment(root)!)).toBe('1')
  const feed = await ovation.redis.hgetall(keys.feed(topic))
  expect(Object.keys(feed).filter((field) => field.endsWith(':deleted'))).toEqual([`${positionOfComment(reply)}:deleted`])
})
