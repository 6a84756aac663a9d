import { createRoute, z } from '@hono/zod-openapi'
import { DomainError } from '../../errors.ts'
import type { App } from '../app.ts'
import type { QueryDependencies } from '../dependencies.ts'
import type { Built } from '../read/answer.ts'
import type { CommentView } from '../read/comment-view.ts'
import type { OwnWrite } from '../read/own-write.ts'
import { carriedSubject, subjectOf, withWrite } from '../read/overlay.ts'
import type { Question } from '../read/page-cache.ts'
import { present } from '../read/present.ts'
import { type Thread, readThread } from '../read/read-thread.ts'
import { Comment, after, commentPath, degraded, problems } from '../schemas.ts'
import { isCounted, newestIn, subjectFor, withLikes } from './present-page.ts'
import { cachedJson, keepPrivate, sendCached, setDegraded } from './send-cached.ts'

/** Not `.nullable()`: of a named schema that becomes `allOf`, which no null fits. */
const maybe = z.union([Comment, z.null()])
const Permalink = z.object({ comment: Comment, root: maybe, previous: maybe, next: maybe, degraded }).openapi('Permalink')

const route = createRoute({
  method: 'get',
  path: '/v1/topics/{topic}/comments/{id}',
  summary: 'One comment with its root and neighbours',
  description: '`previous` and `next` are the comments directly older and newer among its siblings.',
  tags: ['queries'],
  request: { params: commentPath, query: z.object({ after }) },
  responses: { ...cachedJson(Permalink, 'The comment'), ...problems(403, 404, 422, 503) },
})

export function getComment(app: App, dependencies: QueryDependencies): void {
  const { reader, readOwnWrite } = dependencies
  app.openapi(route, async (c) => {
    const { topic, id } = c.req.valid('param')
    const { after: token } = c.req.valid('query')
    const key = `comment ${topic} ${id}`
    const question: Question<Thread> = { key, topic, build: async (unless) => built(await readThread(reader, topic, id, unless)) }
    if (!token) return sendCached(c, dependencies, question)
    const write = await readOwnWrite(topic, token)
    dependencies.reads.count(topic)
    keepPrivate(c)
    const { thread, degraded } = await threadWithWrite(dependencies, question, topic, id, write)
    setDegraded(c, degraded)
    return c.json(bodyOf(thread, degraded) as never, 200)
  })
}

const bodyOf = ({ comment, root, previous, next }: Thread, degraded: readonly string[]) => {
  const other = (view: CommentView | undefined) => (view ? present(view) : null)
  return { comment: present(comment!), root: other(root), previous: other(previous), next: other(next), degraded: [...degraded] }
}

function built(thread: Thread | undefined): Built<Thread> | undefined {
  if (!thread) return undefined
  const { comment, root, previous, next, version, usesStore } = thread
  const degraded = [...thread.degraded]
  const views = [comment, root, previous, next].filter((view) => view !== undefined)
  const about = { views: thread, degraded, version, usesStore, isPoor: version === undefined, newest: newestIn(views) }
  return comment ? { ...about, body: bodyOf(thread, degraded) } : { ...about, body: {}, isMissing: true }
}

/** With the reader's own write in it; a comment that they have just posted may be in no model yet. */
async function threadWithWrite(
  { cache, reader, redis, keys }: QueryDependencies,
  question: Question<Thread>,
  topic: string,
  id: string,
  { event, isUnknown }: OwnWrite,
): Promise<{ thread: Thread; degraded: string[] }> {
  const whole = (thread: Thread | undefined, degraded: Iterable<string>) => {
    if (!thread?.comment) throw new DomainError('not-found', 'no such comment under this topic')
    return { thread, degraded: [...degraded, ...(isUnknown ? ['after'] : [])] }
  }
  const known = event && subjectOf(event) === id ? carriedSubject(event) : undefined
  const own = known && (await readThread(reader, topic, id, undefined, known))!
  const kept = own ? { views: own, degraded: [...own.degraded] } : await cache.withViews(question)
  if (!event || !kept.views?.comment) return whole(kept.views, kept.degraded)
  const applied = await isCounted(redis, keys, event)
  if (applied.isInModels) {
    const { views, degraded } = await cache.withViews(question, performance.now())
    return whole(views, degraded)
  }
  const { comment, root, previous, next } = kept.views
  const items = [comment, root, previous, next].filter((view) => view !== undefined)
  const subject = await subjectFor(reader, { pinned: [], items }, event, 0)
  const shown = <V extends CommentView | undefined>(view: V) =>
    (view && withLikes(withWrite(view, event, subject), event, applied.likes)) as V
  const thread = { ...kept.views, comment: shown(comment), root: shown(root), previous: shown(previous), next: shown(next) }
  return whole(thread, kept.degraded)
}
