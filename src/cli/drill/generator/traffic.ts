import type { Traffic } from '../messages.ts'
import type { Topics } from '../topics.ts'
import { startArrivals } from './arrivals.ts'
import type { Get } from './reader.ts'
import type { Tally } from './tally.ts'
import type { Users } from './users.ts'
import type { Writer } from './writer.ts'

type Dependencies = { topics: Topics; users: Users; writer: Writer; get: Get; text(): string; probe(): Promise<void>; tally: Tally }
type Recent = { id: string; rootId: string | null }

/** Comments of each topic that people may reply to and like: the newest. */
const recentKept = 40
const likesInABurst = [5, 25] as const

/** Traffic as a site has it: topics by popularity, replies, likes in bursts. */
export function createTraffic({ topics, users, writer, get, text, probe, tally }: Dependencies) {
  const recent: Recent[][] = topics.names.map(() => [])
  let bursts: { topic: number; id: string }[] = []
  const likedBy = new Map<string, string[]>()
  let turn = 0
  let rates: Traffic = { reads: 0, writes: 0, probes: 0, flood: null }

  const pick = <T>(items: readonly T[]): T | undefined => items[Math.floor(Math.random() * items.length)]
  const isFlood = (topic: number) => topic === topics.landed && rates.flood !== null

  async function post(topic: number, parent?: Recent): Promise<void> {
    const id = await writer.post(topic, text(), parent?.id ?? null, { isFlood: isFlood(topic) })
    if (!id) return
    recent[topic]!.push({ id, rootId: parent ? (parent.rootId ?? parent.id) : null })
    if (recent[topic]!.length > recentKept) recent[topic]!.shift()
  }

  /** A pair of user and comment has one request under way at most: which of two came last could not be told. */
  async function like(topic: number, id: string): Promise<void> {
    const user = users.any()
    const known = likedBy.get(id)
    if (known?.includes(user)) return
    likedBy.set(id, [...(known ?? []), user])
    if (likedBy.size > 2_000) likedBy.delete(likedBy.keys().next().value!)
    if ((await writer.like(topic, id, user, true, { isFlood: isFlood(topic) })) && Math.random() < 0.1)
      await writer.like(topic, id, user, false, { isFlood: isFlood(topic) })
  }

  async function write(topic: number): Promise<void> {
    const dice = Math.random()
    const target = pick(recent[topic]!)
    if (!target || dice < 0.55) return await post(topic)
    if (dice < 0.75) return await post(topic, target)
    await like(topic, target.id)
  }

  async function ordinaryWrite(): Promise<void> {
    const next = Math.random() < 0.4 ? bursts.shift() : undefined
    if (next) return await like(next.topic, next.id)
    const topic = topics.pick()
    const target = pick(recent[topic]!)
    if (target && Math.random() < 0.05) {
      const [least, most] = likesInABurst
      const count = least + Math.floor(Math.random() * (most - least))
      bursts = [...bursts, ...Array.from({ length: count }, () => ({ topic, id: target.id }))].slice(-500)
    }
    await write(topic)
  }

  async function read(topic: number): Promise<void> {
    const path = `/v1/topics/${topics.names[topic]}`
    const options = { isFlood: isFlood(topic) }
    const dice = Math.random()
    if (dice < 0.55) await get(`${path}/comments`, options)
    else if (dice < 0.7) await get(`${path}/comments?sort=hot`, options)
    else if (dice < 0.8) {
      const root = pick(recent[topic]!.filter(({ rootId }) => rootId === null))
      await get(root ? `${path}/comments/${root.id}/replies` : `${path}/comments`, options)
    } else if (dice < 0.95)
      await get(`/v1/counts?topics=${Array.from({ length: 20 }, () => topics.names[topics.pick()]).join(',')}`, options)
    else {
      const ids = recent[topic]!.slice(-20).map(({ id }) => id)
      await get(`${path}/viewer?comments=${ids.join(',')}`, { ...options, token: await users.tokenOf(users.any()) })
    }
  }

  const arrivals = startArrivals(
    [
      { perSecond: () => rates.reads, mostUnderWay: 150, start: () => read(topics.pick()) },
      { perSecond: () => rates.writes, mostUnderWay: 100, start: ordinaryWrite },
      { perSecond: () => rates.probes, mostUnderWay: 200, start: probe },
      { perSecond: () => rates.flood?.reads ?? 0, mostUnderWay: 150, start: () => read(topics.landed) },
      { perSecond: () => rates.flood?.writes ?? 0, mostUnderWay: 100, start: () => write(topics.landed) },
    ],
    {
      onBegun: () => (tally.now.driven += 1),
      onSkipped: () => (tally.now.notDriven += 1),
      onLate: (ms) => (tally.now.lateMs = Math.max(tally.now.lateMs, ms)),
      onFailed(error) {
        tally.now.writes.failed += 1
        tally.now.writes.firstError ??= String(error)
      },
    },
  )
  return {
    /** One of each, as it comes; resolves when it was answered. */
    read: () => read(topics.pick()),
    /** Over all topics in turn, so that none becomes hot by it. */
    write: () => write((turn += 1) % topics.names.length),
    drive: (next: Traffic) => void (rates = next),
    underWay: arrivals.underWay,
    stop: arrivals.stop,
  }
}
