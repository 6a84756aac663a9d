import { setTimeout as delay } from 'node:timers/promises'
import { bodyOf } from './events.ts'
import { type Client, createClient } from './client.ts'
import { tokenOf } from './token.ts'

/** Between an answer and the next look, ms: what a time to visible is exact to, with the look itself. */
export const lookEveryMs = 5
const patienceMs = 10_000

/** Looks at a list, as any other client, until it shows what is waited for. */
export async function untilSeen(client: Client, path: string, shows: (text: string) => boolean): Promise<void> {
  for (const deadline = performance.now() + patienceMs; performance.now() < deadline; await delay(lookEveryMs))
    if (shows((await client.get(path)).text)) return
  throw new Error(`${path} did not show it within ${patienceMs / 1_000} s`)
}

/** Of one comment: from sending the POST and from its 201 until the list shows it, ms. */
export type Seen = { sinceSentMs: number; sinceAcceptedMs: number }

async function createProber(url: string, topics: readonly string[]) {
  const [writer, reader, token] = [createClient(url), createClient(url), await tokenOf('prober')]
  return {
    /** Posts on one of the topics in turn and looks for it through other connections. */
    async one(i: number): Promise<Seen> {
      const path = `/v1/topics/${topics[i % topics.length]}/comments`
      const sentMs = performance.now()
      const { text } = await writer.send('POST', path, token, { body: bodyOf(i) })
      const acceptedMs = performance.now()
      const { id } = JSON.parse(text) as { id: string }
      await untilSeen(reader, path, (list) => list.includes(id))
      const seenMs = performance.now()
      return { sinceSentMs: seenMs - sentMs, sinceAcceptedMs: seenMs - acceptedMs }
    },
    close() {
      writer.close()
      reader.close()
    },
  }
}

/** Posts at a steady rate; each comment is looked for until it is seen. */
export async function probe(
  url: string,
  topics: readonly string[],
  { count, perSecond }: { count: number; perSecond: number },
): Promise<Seen[]> {
  const prober = await createProber(url, topics)
  const startedMs = performance.now()
  const probes: Promise<Seen>[] = []
  for (let i = 0; i < count; i++) {
    // At random within its turn, so that it falls into no step with what lingers.
    const dueMs = startedMs + ((i + Math.random()) * 1_000) / perSecond
    await delay(Math.max(0, dueMs - performance.now()))
    const started = prober.one(i)
    started.catch(() => {}) // told below, with the others
    probes.push(started)
  }
  return await Promise.all(probes).finally(prober.close)
}

const probersAtOnce = 16

/** Probes a second that the system bears, each as soon as another was seen. */
export async function bearableProbes(url: string, topics: readonly string[], seconds: number): Promise<number> {
  const prober = await createProber(url, topics)
  const [startedMs, endsMs] = [performance.now(), performance.now() + seconds * 1_000]
  let done = 0
  const worker = async () => {
    while (performance.now() < endsMs) {
      await prober.one(done)
      done += 1
    }
  }
  await Promise.all(Array.from({ length: probersAtOnce }, worker)).finally(prober.close)
  return done / ((performance.now() - startedMs) / 1_000)
}
