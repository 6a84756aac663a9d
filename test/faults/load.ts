import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Answer, Call, Client } from './client.ts'

export type Post = {
  /** `<topic>/<id>`: an id alone is unique in its partition. */
  ref: string
  topic: string
  id: string
  rootId: string | null
  parentId: string | null
  author: string
  body: string
  call: Call
  answer: Answer
}
export type Write = {
  topic: string
  type: string
  token: string
  /** Of its first try. */
  startedMs: number
  /** The comments, as refs, of which it changes a number. */
  about: string[]
}

/** What was acknowledged, and what must follow from it. */
export type Acknowledged = {
  posts: Map<string, Post>
  /** Comments that are there to stay: anybody may reply to them and like them. */
  lasting: Post[]
  deleted: Set<string>
  hidden: Set<string>
  bodies: Map<string, string>
  /** `<ref>/<user>`: the last that was acknowledged. */
  likes: Map<string, boolean>
  writes: Write[]
  /** What was answered for good, and not with success. */
  refused: { call: Call; status: number }[]
}

export const allTopics = ['song:a', 'song:b', 'song:c', 'song:d', 'song:hot']

type Options = {
  writers?: number
  writesPerSecond?: number
  topics?: readonly string[]
  /** Goes on from what an earlier load has written. */
  after?: Acknowledged
}

const nothing = (): Acknowledged => ({
  posts: new Map(),
  lasting: [],
  deleted: new Set(),
  hidden: new Set(),
  bodies: new Map(),
  likes: new Map(),
  writes: [],
  refused: [],
})

/**
 * Writers that post, reply, like, unlike, edit and delete, an artist and a moderator among them, each one call after the other, repeated with its key
 * until it is acknowledged. Nobody touches what somebody else may delete, so every call must succeed.
 */
export function startLoad(client: Client, { writers = 10, writesPerSecond = 250, topics = allTopics, after = nothing() }: Options = {}) {
  const acknowledged = after
  const { posts, lasting, deleted, hidden, bodies, likes, writes, refused } = acknowledged
  const name = randomUUID().slice(0, 6)
  const startedMs = performance.now()
  const faults: unknown[] = []
  const stopping = new AbortController()
  let started = 0
  let texts = 0

  async function write(type: string, topic: string, call: Call, about: string[]): Promise<Answer | undefined> {
    const startedMs = performance.now()
    const answer = await client.untilAnswered(call)
    if (answer.status >= 300) {
      refused.push({ call, status: answer.status })
      return undefined
    }
    // A delete that was applied before has no token: its event is that of the first try.
    if (answer.writeToken) writes.push({ topic, type, token: answer.writeToken, startedMs, about })
    return answer
  }

  async function post(author: string, topic: string, parent?: Post): Promise<Post | undefined> {
    const body = `${author} says ${name} ${++texts}`
    const call: Call = {
      method: 'POST',
      path: `/v1/topics/${topic}/comments`,
      user: author,
      key: `${name}-${texts}`,
      body: { body, ...(parent ? { parentId: parent.id } : {}) },
    }
    const rootId = parent ? (parent.rootId ?? parent.id) : null
    const answer = await write('comment.posted', topic, call, rootId ? [`${topic}/${rootId}`] : [])
    if (!answer) return undefined
    const { id } = answer.body as { id: string }
    const ref = `${topic}/${id}`
    const posted = { ref, topic, id, rootId, parentId: parent?.id ?? null, author, body, call, answer }
    if (posts.has(ref)) throw new Error(`two posts got the id ${ref}`)
    posts.set(ref, posted)
    bodies.set(ref, body)
    return posted
  }
  const rootOf = ({ topic, rootId }: Post) => (rootId ? [`${topic}/${rootId}`] : [])
  const at = ({ topic, id }: Post) => `/v1/topics/${topic}/comments/${id}`

  async function like(user: string, target: Post): Promise<void> {
    const isLiked = likes.get(`${target.ref}/${user}`) !== true
    const call: Call = { method: isLiked ? 'PUT' : 'DELETE', path: `${at(target)}/like`, user }
    if (await write(isLiked ? 'comment.liked' : 'comment.unliked', target.topic, call, [target.ref]))
      likes.set(`${target.ref}/${user}`, isLiked)
  }

  /** Posted to be deleted, some with a reply below that stays under the tombstone. */
  async function postAndDelete(user: string, topic: string): Promise<void> {
    const doomed = await post(user, topic, Math.random() < 0.5 ? pick(lasting.filter((other) => other.topic === topic)) : undefined)
    if (!doomed) return
    if (Math.random() < 0.5) await post(user, topic, doomed)
    if (await write('comment.deleted', topic, { method: 'DELETE', path: at(doomed), user }, rootOf(doomed))) deleted.add(doomed.ref)
  }

  async function edit(user: string): Promise<void> {
    const own = pick(lasting.filter(({ author }) => author === user))
    if (!own) return
    const body = `${own.body}, edited ${name} ${++texts}`
    if (await write('comment.edited', own.topic, { method: 'PATCH', path: at(own), user, body: { body } }, [])) bodies.set(own.ref, body)
  }

  async function hideOrRestore(user: string, target: Post): Promise<void> {
    const state = hidden.has(target.ref) ? 'visible' : 'hidden'
    const call: Call = { method: 'PUT', path: `${at(target)}/visibility`, user, body: { state, reason: 'a test' } }
    if (!(await write(state === 'hidden' ? 'comment.hidden' : 'comment.restored', target.topic, call, rootOf(target)))) return
    if (state === 'hidden') hidden.add(target.ref)
    else hidden.delete(target.ref)
  }

  async function writeOnce(user: string): Promise<void> {
    const dice = Math.random()
    const target = pick(lasting.slice(-200))
    const topic = topics[Math.floor(Math.random() * topics.length)]!
    if (!target || dice < 0.45) {
      const posted = await post(user, topic, dice > 0.3 ? target && pick(lasting.filter((other) => other.topic === topic)) : undefined)
      if (posted) lasting.push(posted)
    } else if (user.startsWith('moderator')) await hideOrRestore(user, target)
    else if (dice < 0.8) await like(user, target)
    else if (dice < 0.9) await edit(user)
    else await postAndDelete(user, topic)
  }

  async function run(user: string): Promise<void> {
    while (!stopping.signal.aborted) {
      const dueMs = startedMs + (started++ * 1_000) / writesPerSecond
      await delay(Math.max(0, dueMs - performance.now()))
      await writeOnce(user)
    }
  }

  const users = Array.from({ length: writers }, (_, i) => (i === 0 ? 'moderator' : i === 1 ? 'artist' : `user${i}`))
  const running = users.map((user) =>
    run(user).catch((error: unknown) => {
      faults.push(error)
      stopping.abort()
    }),
  )
  return {
    acknowledged,
    /** Resolves when that many writes have been acknowledged. */
    async reaches(count: number): Promise<void> {
      while (writes.length < count) {
        if (faults.length > 0) throw faults[0]
        await delay(5)
      }
    },
    /** Every call in hand is acknowledged first. */
    async stop(): Promise<Acknowledged> {
      stopping.abort()
      await Promise.all(running)
      if (faults.length > 0) throw faults[0]
      return acknowledged
    },
  }
}
export type Load = ReturnType<typeof startLoad>

/** Of two loads on different topics. */
export const together = (a: Acknowledged, b: Acknowledged): Acknowledged => ({
  posts: new Map([...a.posts, ...b.posts]),
  lasting: [...a.lasting, ...b.lasting],
  deleted: new Set([...a.deleted, ...b.deleted]),
  hidden: new Set([...a.hidden, ...b.hidden]),
  bodies: new Map([...a.bodies, ...b.bodies]),
  likes: new Map([...a.likes, ...b.likes]),
  writes: [...a.writes, ...b.writes],
  refused: [...a.refused, ...b.refused],
})

const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)]
