import { setTimeout as delay } from 'node:timers/promises'
import type { Topics } from '../topics.ts'
import { untilSeen } from './probe.ts'
import type { Get } from './reader.ts'
import type { Tally } from './tally.ts'
import type { Users } from './users.ts'
import type { Writer } from './writer.ts'

type Dependencies = { topics: Topics; users: Users; writer: Writer; get: Get; tally: Tally }
type Item = { id: string; pinned: boolean }

/** Longest wait for one to be seen, ms, and after how many that were not the artist gives up: all that wait behind a stopped lane say the same. */
const mostMs = 4_000
const mostUnseen = 3
/** Three pins are shown: the one before the last two makes room. */
const pinsKept = 3

/** The artist posts on the landed topic, waits until another client sees it, pins it, waits again. Each time from sending the request. */
export async function runArtist({ topics, users, writer, get, tally }: Dependencies, count: number, everyMs: number): Promise<void> {
  const topic = topics.landed
  const path = `/v1/topics/${topics.names[topic]}/comments`
  const token = await users.artistToken(topics.names[topic]!)
  const pinned: string[] = []
  let unseen = 0
  for (let i = 0; i < count && unseen < mostUnseen; i++) {
    const [atMs, startedMs] = [Date.now(), performance.now()]
    const id = await writer.post(topic, `Hello from the studio, ${i + 1}`, null, { token })
    if (id) {
      const isSeen = await untilSeen(get, path, (list) => list.includes(id), mostMs)
      const postMs = performance.now() - startedMs
      const pinStartedMs = performance.now()
      if (await writer.pin(topic, id, true, token)) {
        const isPinSeen = await untilSeen(get, path, (list) => isPinnedIn(list, id), mostMs)
        if (!isSeen || !isPinSeen) unseen += 1
        tally.now.artist.push({ atMs, postMs, pinMs: performance.now() - pinStartedMs })
        pinned.push(id)
        if (pinned.length > pinsKept) await writer.pin(topic, pinned.shift()!, false, token)
      }
    }
    await delay(Math.max(0, everyMs - (performance.now() - startedMs)))
  }
}

function isPinnedIn(list: string, id: string): boolean {
  if (!list.includes(id)) return false
  const { items } = JSON.parse(list) as { items: Item[] }
  return items.some((item) => item.id === id && item.pinned)
}
