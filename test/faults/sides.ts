import { freePort } from '../../src/embedded/free-port.ts'
import { until } from '../deployment.ts'
import type { Child } from './child.ts'
import { type Client, type Try, createClient } from './client.ts'
import { allTopics } from './load.ts'
import { createPlace } from './place.ts'

export type Side = 'read' | 'write'
export const origin = 'https://music.example'

/** A deployment whose API runs in two roles, each on a port of its own. Comparisons with a recount ask the reading one. */
export async function createSides() {
  const place = await createPlace()
  const urls = { read: place.url, write: `http://127.0.0.1:${await freePort()}` }
  const running: Partial<Record<Side, Child>> = {}
  const isHealthy = async (side: Side) => (await fetch(`${urls[side]}/healthz`)).ok

  async function start(side: Side): Promise<void> {
    const settings = { PORT: new URL(urls[side]).port, ALLOWED_ORIGINS: origin }
    const child = place.start(['serve', '--role', side], settings)
    running[side] = child
    await until(() => isHealthy(side)).catch((cause: unknown) => {
      throw new Error(`the ${side} side does not answer:\n${child.log()}`, { cause })
    })
  }
  await Promise.all([start('read'), start('write')])
  place.startConsumer('a')
  return {
    place,
    urls,
    start,
    freeze: (side: Side) => running[side]!.freeze(),
    thaw: (side: Side) => running[side]!.thaw(),
    kill: (side: Side) => running[side]!.kill(),
    close: () => place.close(),
  }
}
export type Sides = Awaited<ReturnType<typeof createSides>>

/** A client that keeps its tries. */
export function createRecordingClient(url: string) {
  let tries: Try[] = []
  const client = createClient(url, (tried) => void tries.push(tried))
  return {
    client,
    /** Those of the next `count` that have an answer or broke; those that are under way when it is called count too. */
    async next(count: number): Promise<Try[]> {
      tries = []
      await until(async () => tries.length >= count)
      return tries.slice()
    },
  }
}

const lists = [...allTopics.map((topic) => `/v1/topics/${topic}/comments`), `/v1/counts?topics=${allTopics.join()}`]

/** First pages and totals, `count` times, 4 at a time. Each that gets no answer is undefined. */
export async function readPages(client: Client, count: number): Promise<Try[]> {
  const tries: Try[] = []
  const readers = Array.from({ length: 4 }, async (_, reader) => {
    for (let turn = reader; turn < count; turn += 4) {
      const call = { method: 'GET', path: lists[turn % lists.length]! } as const
      const startedMs = performance.now()
      const answer = await client.once(call).catch(() => undefined)
      tries.push({ call, answer, tookMs: performance.now() - startedMs })
    }
  })
  await Promise.all(readers)
  return tries
}

export function p99(tries: readonly Try[]): number {
  const sorted = tries.map(({ tookMs }) => tookMs).sort((a, b) => a - b)
  return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0
}

export const statuses = (tries: readonly Try[]): number[] =>
  [...new Set(tries.map(({ answer }) => answer?.status ?? 0))].sort((a, b) => a - b)
