import { positionOfComment } from '../../src/events/position.ts'
import { feedCap } from '../../src/projections/feed.ts'
import type { Differ } from './differ.ts'
import type { Place } from './place.ts'
import { type Comment, type Recount, commentsOf, countsIn, likesIn } from './recount.ts'

/** Counts, likes and feed of a topic. */
export async function compareRedis(place: Place, topic: string, truth: Recount, isLossless: boolean, differ: Differ): Promise<void> {
  const of = place.keys.of(topic)
  const comments = commentsOf(truth, topic)
  const [counts, likes] = await Promise.all([place.redis.hgetall(of.count(topic)), place.redis.hgetall(of.likes(topic))])
  const [expectedCounts, expectedLikes] = [countsIn(truth), likesIn(truth)]
  differ.equal(`total of ${topic}`, Number(counts['total'] ?? 0), expectedCounts.get(topic))
  differ.equal(`roots of ${topic}`, Number(counts['roots'] ?? 0), expectedCounts.get(`${topic}/`) ?? 0)
  for (const [ref, { position }] of comments) {
    differ.equal(`replies of ${ref}`, Number(counts[`r:${position}`] ?? 0), expectedCounts.get(ref) ?? 0)
    differ.equal(`likes of ${ref}`, Number(likes[position] ?? 0), expectedLikes.get(ref) ?? 0)
    const likers = Object.entries(await place.redis.hgetall(of.likers(topic, position)))
    differ.same(
      'liker',
      new Map(likers.map(([user, register]) => [`${ref}/${user}`, register.endsWith('+')])),
      new Map([...truth.likes].filter(([like]) => like.startsWith(`${ref}/`))),
    )
  }
  await compareFeed(place, topic, comments.slice(-feedCap), isLossless, differ)
}

async function compareFeed(
  { redis, keys }: Place,
  topic: string,
  newest: [ref: string, Comment][],
  isLossless: boolean,
  differ: Differ,
): Promise<void> {
  const of = keys.of(topic)
  const [feed, index] = await Promise.all([redis.hgetall(of.feed(topic)), redis.zrange(of.feedIndex(topic), '0', '-1')])
  const known = new Set(newest.map(([, { position }]) => position))
  differ.equal(
    `feed of ${topic}`,
    // An artist's reply carries its target, so the feed may still know a comment that was lost.
    index.filter((member) => isLossless || known.has(member.slice(0, 20))).join(),
    newest.map(([, { position, rootId }]) => `${position}/${rootId ? positionOfComment(rootId) : ''}`).join(),
  )
  for (const [ref, { position, body, isDeleted, isHidden }] of newest) {
    const creation = JSON.parse(feed[position] ?? '{}') as { data?: { personal?: { body?: string } } }
    const edited = feed[`${position}:body`]
    const text = edited ? (JSON.parse(edited.slice(20)) as { text: string }).text : creation.data?.personal?.body
    differ.equal(`body of ${ref} in the feed`, text, body)
    differ.equal(`${ref} deleted in the feed`, `${position}:deleted` in feed, isDeleted)
    differ.equal(`${ref} hidden in the feed`, feed[`${position}:visibility`]?.slice(20) === 'hidden', isHidden)
  }
}
