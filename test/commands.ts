import type { Append, AppendToLog, Outcome } from '../src/events/append.ts'
import { commentIdAt } from '../src/events/position.ts'

type More = Partial<Append> & { parentId?: string; key?: string; body?: string }

/** What people do, in one line each. */
export function commandsOn(append: AppendToLog) {
  const on = (type: Append['type'], topic: string, actor: string, commentId: string, { facts, target, ...more }: Partial<Append> = {}) =>
    append({ type, topic, actor, correlationId: 'c', ...more, facts: { commentId, ...facts }, target: { commentId, ...target } })
  const onThread = { rootOf: 'comment' as const }
  const post = (topic: string, actor: string, { parentId, key, body = `by ${actor}`, target, ...more }: More = {}) =>
    append({
      type: 'comment.posted',
      topic,
      actor,
      correlationId: 'c',
      facts: { role: 'user', parentId: parentId ?? null, writtenAt: null, ...(parentId ? {} : { rootId: null }) },
      personal: { name: actor, body },
      idempotency: { key, request: body },
      ...(parentId ? { target: { commentId: parentId, rootOf: 'reply' as const, ...target } } : {}),
      ...more,
    })
  return {
    post,
    /** Resolves with the new comment's id. */
    posted: async (topic: string, actor: string, more?: More) => commentOf(await post(topic, actor, more)),
    like: (topic: string, actor: string, commentId: string) =>
      on('comment.liked', topic, actor, commentId, { target: { commentId, ...onThread } }),
    unlike: (topic: string, actor: string, commentId: string) =>
      on('comment.unliked', topic, actor, commentId, { target: { commentId, ...onThread } }),
    edit: (topic: string, actor: string, commentId: string, body: string) =>
      on('comment.edited', topic, actor, commentId, {
        personal: { body },
        target: { commentId, ...onThread, mustBeAuthor: true, windowMs: 60_000 },
      }),
    remove: (topic: string, actor: string, commentId: string) =>
      on('comment.deleted', topic, actor, commentId, { facts: { by: 'author' }, target: { commentId, ...onThread, mustBeAuthor: true } }),
    hide: (topic: string, commentId: string) =>
      on('comment.hidden', topic, 'mod', commentId, { personal: null, priority: true, target: { commentId, ...onThread } }),
    restore: (topic: string, commentId: string) =>
      on('comment.restored', topic, 'mod', commentId, { personal: null, priority: true, target: { commentId, ...onThread } }),
    pin: (topic: string, commentId: string) =>
      on('comment.pinned', topic, 'star', commentId, {
        personal: {},
        priority: true,
        target: { commentId, ...onThread, withSnapshot: true },
      }),
  }
}

export type Commands = ReturnType<typeof commandsOn>

/** The id of the comment that an append made, now or when it was first asked for. */
export function commentOf(outcome: Outcome): string {
  if (!('event' in outcome)) throw new Error(outcome.kind)
  return commentIdAt(outcome.event.position)
}
