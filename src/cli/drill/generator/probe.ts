import { setTimeout as delay } from 'node:timers/promises'
import type { Topics } from '../topics.ts'
import type { Get } from './reader.ts'
import type { Tally } from './tally.ts'
import type { Writer } from './writer.ts'

/** Between two looks, ms: what a short time is exact to. A long one is exact to a tenth, so that many who wait are no flood of their own. */
const lookEveryMs = 5
const laterShare = 0.1
const patienceMs = 10_000

/** Looks at a list, as anybody would, until it shows what is waited for. Resolves with false after `mostMs`. */
export async function untilSeen(get: Get, path: string, shows: (text: string) => boolean, mostMs = patienceMs): Promise<boolean> {
  const startedMs = performance.now()
  for (;;) {
    if (shows((await get(path, { wantsText: true })).text)) return true
    const waitedMs = performance.now() - startedMs
    if (waitedMs > mostMs) return false
    await delay(Math.max(lookEveryMs, laterShare * waitedMs))
  }
}

type Dependencies = { topics: Topics; writer: Writer; get: Get; text(): string; tally: Tally }

/** Posts on another topic than the landed one and measures, from sending it, how long it takes until another client sees it in the list. */
export const createProbe =
  ({ topics, writer, get, text, tally }: Dependencies) =>
  async (): Promise<void> => {
    const topic = topics.pickOther()
    const [atMs, startedMs] = [Date.now(), performance.now()]
    const id = await writer.post(topic, text(), null)
    if (!id) return
    if (!(await untilSeen(get, `/v1/topics/${topics.names[topic]}/comments`, (list) => list.includes(id)))) tally.now.never += 1
    tally.now.visible.push([atMs, performance.now() - startedMs])
  }
