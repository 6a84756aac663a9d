import { expect } from 'vitest'
import { positionOfComment, positionOfEntry } from '../../src/events/position.ts'
import { feedCap } from '../../src/projections/feed.ts'
import { type Recount, gapsIn, readArchive, readRewritten, recount } from './archived.ts'
import type { Acknowledged } from './load.ts'
import { type Place, backlog } from './place.ts'

type Options = {
  /** Writes begun until then may be lost with the server that had them, and their comments be unknown afterwards, ms. */
  lossUntilMs?: number
}

/**
 * Every acknowledged write is in the archive once and nothing that was not asked for; every read model equals a recount of the archive, and that
 * equals what was acknowledged; nothing is pending, nothing was parked. Waits until the consumers have caught up. Resolves with the number of lost writes.
 */
export async function everythingExact(place: Place, acknowledged: Acknowledged, { lossUntilMs = 0 }: Options = {}): Promise<number> {
  await place.caughtUp()
  const [archive, rewritten] = await Promise.all([readArchive(place), readRewritten(place)])
  const truth = recount(archive)
  const differ = createDiffer()

  const places = new Set(archive.map(({ _id }) => _id.split('/').slice(0, 2).join('/')))
  differ.equal('positions in the archive', places.size, archive.length)
  differ.equal('event ids in the archive', new Set(archive.map(({ id }) => id)).size, archive.length)
  const lost = compareWrites(place, acknowledged, archive, rewritten, differ, lossUntilMs)
  if (lossUntilMs === 0) {
    differ.equal('gaps', gapsIn(archive, rewritten).join('; '), '')
    differ.equal('refused', acknowledged.refused.map(({ call, status }) => `${call.method} ${call.path} ${status}`).join(), '')
    compareRecount(acknowledged, truth, differ)
  }
  await compareMongo(place, truth, differ)
  for (const topic of new Set([...truth.comments.values()].map((comment) => comment.topic))) await compareRedis(place, topic, truth, differ)
  await compareAnswers(place, truth, differ)
  if (lossUntilMs === 0) differ.equal('comments that only a read model knows', (await unknownInFeeds(place, truth)).join(), '')
  for (const partition of place.keys.partitions)
    for (const group of ['store', 'counts', 'likes', 'feed'])
      differ.equal(`dead letters of ${group}`, await place.redis.xlen(partition.dead(group)), 0)
  expect(await backlog(place)).toBe('')
  expect(differ.found.slice(0, 20)).toEqual([])
  return lost
}

type Differ = ReturnType<typeof createDiffer>
function createDiffer() {
  const found: string[] = []
  const equal = (what: string, actual: unknown, expected: unknown) => {
    if (actual !== expected) found.push(`${what}: ${String(actual)} instead of ${String(expected)}`)
  }
  return {
    found,
    equal,
    same(what: string, actual: ReadonlyMap<string, unknown>, expected: ReadonlyMap<string, unknown>) {
      for (const key of new Set([...actual.keys(), ...expected.keys()])) equal(`${what} ${key}`, actual.get(key), expected.get(key))
    },
  }
}

function compareWrites(
  { keys }: Place,
  { writes, posts }: Acknowledged,
  archive: Awaited<ReturnType<typeof readArchive>>,
  rewritten: Awaited<ReturnType<typeof readRewritten>>,
  differ: Differ,
  lossUntilMs: number,
): number {
  const firstOf = new Map(rewritten.map(({ at, first }) => [at, first]))
  const byPlace = new Map(archive.map((document) => [document._id.split('/').slice(0, 2).join('/'), document]))
  let lost = 0
  for (const { topic, type, token, startedMs } of writes) {
    const at = `${String(keys.of(topic).partition).padStart(3, '0')}/${positionOfEntry(token.slice(1, token.indexOf('.')))}`
    const document = byPlace.get(firstOf.get(at) ?? at)
    if (!document && startedMs <= lossUntilMs) lost += 1
    else differ.equal(`acknowledged ${type} at ${at}`, document && `${document.topic} ${document.type}`, `${topic} ${type}`)
  }
  if (lossUntilMs === 0) differ.equal('posts in the archive', archive.filter(({ type }) => type === 'comment.posted').length, posts.size)
  return lost
}

function compareRecount({ posts, deleted, hidden, bodies, likes }: Acknowledged, truth: Recount, differ: Differ): void {
  const of = (value: (id: string) => unknown) => new Map([...posts.keys()].map((id) => [id, value(id)]))
  const counted = (value: (comment: Recount['comments'] extends Map<string, infer C> ? C : never) => unknown) =>
    new Map([...truth.comments].map(([id, comment]) => [id, value(comment)]))
  differ.same(
    'root of',
    counted(({ rootId }) => rootId),
    of((id) => posts.get(id)!.rootId),
  )
  differ.same(
    'body of',
    counted(({ body }) => body),
    of((id) => bodies.get(id)),
  )
  differ.same(
    'deleted',
    counted(({ isDeleted }) => isDeleted),
    of((id) => deleted.has(id)),
  )
  differ.same(
    'hidden',
    counted(({ isHidden }) => isHidden),
    of((id) => hidden.has(id)),
  )
  differ.same('like', truth.likes, likes)
}

const shows = ({ isDeleted, isHidden }: { isDeleted: boolean; isHidden: boolean }) => !isDeleted && !isHidden
const refOf = (like: string) => like.slice(0, like.lastIndexOf('/'))
const likesOf = ({ likes }: Recount) => {
  const numbers = new Map<string, number>()
  for (const [key, isLiked] of likes) numbers.set(refOf(key), (numbers.get(refOf(key)) ?? 0) + Number(isLiked))
  return numbers
}
const repliesOf = ({ comments, unborn }: Recount) => {
  const numbers = new Map<string, number>()
  const add = (topic: string, rootId: string | null, by: number) => {
    if (rootId) numbers.set(`${topic}/${rootId}`, (numbers.get(`${topic}/${rootId}`) ?? 0) + by)
  }
  for (const comment of comments.values()) add(comment.topic, comment.rootId, Number(shows(comment)))
  for (const comment of unborn.values()) add(comment.topic, comment.rootId, -Number(!shows(comment)))
  return numbers
}
const totalsOf = ({ comments, unborn }: Recount, topic: string) => {
  const shown = [...comments.values()].filter((comment) => comment.topic === topic && shows(comment))
  const missing = [...unborn.values()].filter((comment) => comment.topic === topic && !shows(comment))
  const roots = ({ rootId }: { rootId: string | null }) => rootId === null
  return { total: shown.length - missing.length, roots: shown.filter(roots).length - missing.filter(roots).length }
}

async function compareMongo({ collections }: Place, truth: Recount, differ: Differ): Promise<void> {
  const [all, likes] = await Promise.all([collections.comments.find().toArray(), collections.likes.find().toArray()])
  const documents = all.filter(({ commentId, topic, author }) => author ?? truth.comments.has(`${topic}/${commentId}`)) // a creation may be lost
  const [likeCounts, replyCounts] = [likesOf(truth), repliesOf(truth)]
  const textOf = (body: string, isDeleted: boolean, isHidden: boolean, likeCount = 0, replyCount = 0) =>
    JSON.stringify({ body, isDeleted, isHidden, likeCount, replyCount })
  differ.equal('comments in MongoDB', documents.length, truth.comments.size)
  differ.same(
    'comment in MongoDB',
    new Map(
      documents.map(({ _id, author, body, deleted, visibility, likes: n, replies }) => [
        `${_id} by ${author?.id}`,
        textOf(body?.text ?? '', deleted !== undefined, visibility?.state === 'hidden', n?.n, replies?.n),
      ]),
    ),
    new Map(
      [...truth.comments].map(([id, { author, body, isDeleted, isHidden }]) => [
        `${id} by ${author}`,
        textOf(body, isDeleted, isHidden, likeCounts.get(id), replyCounts.get(id)),
      ]),
    ),
  )
  const known = likes.filter(({ topic, commentId }) => truth.comments.has(`${topic}/${commentId}`))
  differ.same('like in MongoDB', new Map(known.map(({ _id, liked }) => [_id, liked.isLiked])), truth.likes)
}

async function compareRedis({ redis, keys }: Place, topic: string, truth: Recount, differ: Differ): Promise<void> {
  const of = keys.of(topic)
  const comments = [...truth.comments].filter(([, comment]) => comment.topic === topic)
  const { total, roots } = totalsOf(truth, topic)
  const replies = repliesOf(truth)
  const counts = await redis.hgetall(of.count(topic))
  differ.equal(`total of ${topic}`, Number(counts['total'] ?? 0), total)
  differ.equal(`roots of ${topic}`, Number(counts['roots'] ?? 0), roots)
  const likeCounts = await redis.hgetall(of.likes(topic))
  const expectedLikes = likesOf(truth)
  for (const [id, { position }] of comments) {
    differ.equal(`replies of ${id}`, Number(counts[`r:${position}`] ?? 0), replies.get(id) ?? 0)
    differ.equal(`likes of ${id}`, Number(likeCounts[position] ?? 0), expectedLikes.get(id) ?? 0)
    const likers = await redis.hgetall(of.likers(topic, position))
    const users = [...truth.likes].filter(([key]) => key.startsWith(`${id}/`))
    differ.same(
      `liker of ${id}`,
      new Map(Object.entries(likers).map(([user, register]) => [user, register.endsWith('+')])),
      new Map(users.map(([key, isLiked]) => [key.slice(id.length + 1), isLiked])),
    )
  }
  const newest = comments.toSorted(([, a], [, b]) => (a.position < b.position ? -1 : 1)).slice(-feedCap)
  const [feed, index] = await Promise.all([redis.hgetall(of.feed(topic)), redis.zrange(of.feedIndex(topic), '0', '-1')])
  // An artist's reply carries its target, so the feed may still know a comment that was lost.
  const known = new Set(comments.map(([, { position }]) => position))
  differ.equal(
    `feed of ${topic}`,
    index.filter((member) => known.has(member.slice(0, 20))).join(),
    newest.map(([, { position, rootId }]) => `${position}/${rootId ? positionOfComment(rootId) : ''}`).join(),
  )
  for (const [id, { position, body, isDeleted, isHidden }] of newest) {
    const creation = JSON.parse(feed[position] ?? '{}') as { data?: { personal?: { body?: string } } }
    const edited = feed[`${position}:body`]
    const text = edited ? (JSON.parse(edited.slice(20)) as { text: string }).text : creation.data?.personal?.body
    differ.equal(`body of ${id} in the feed`, text, body)
    differ.equal(`${id} deleted in the feed`, `${position}:deleted` in feed, isDeleted)
    differ.equal(`${id} hidden in the feed`, feed[`${position}:visibility`]?.slice(20) === 'hidden', isHidden)
  }
}

async function unknownInFeeds({ redis, keys }: Place, truth: Recount): Promise<string[]> {
  const known = new Set([...truth.comments.values()].map(({ topic, position }) => `${topic}/${position}`))
  const topics = [...new Set([...truth.comments.values()].map(({ topic }) => topic))]
  const members = await Promise.all(
    topics.map(async (topic) =>
      (await redis.zrange(keys.of(topic).feedIndex(topic), '0', '-1')).map((member) => `${topic}/${member.slice(0, 20)}`),
    ),
  )
  return members.flat().filter((member) => !known.has(member))
}

/** What people get: the totals, and the first page of each topic. */
async function compareAnswers({ client }: Place, truth: Recount, differ: Differ): Promise<void> {
  const topics = [...new Set([...truth.comments.values()].map(({ topic }) => topic))]
  const replies = repliesOf(truth)
  const { body } = await client.once({ method: 'GET', path: `/v1/counts?topics=${topics.join(',')}` })
  for (const topic of topics) {
    const comments = [...truth.comments].filter(([, comment]) => comment.topic === topic)
    differ.equal(
      `answered total of ${topic}`,
      (body as { counts: Record<string, { total: number }> }).counts[topic]?.total,
      totalsOf(truth, topic).total,
    )
    const page = await client.once({ method: 'GET', path: `/v1/topics/${topic}/comments?limit=100` })
    const { items, degraded } = page.body as { items: { id: string }[]; degraded: string[] }
    const listed = comments
      .filter(([id, comment]) => comment.rootId === null && (shows(comment) || (replies.get(id) ?? 0) > 0))
      .sort(([, a], [, b]) => (a.position > b.position ? -1 : 1))
      .slice(0, 100)
      .map(([, { id }]) => id)
    const known = items.map(({ id }) => id).filter((id) => truth.comments.has(`${topic}/${id}`))
    differ.equal(`first page of ${topic}`, known.join(), listed.slice(0, 100 - (items.length - known.length)).join())
    differ.equal(`degraded parts of ${topic}`, degraded.join(), '')
  }
}
