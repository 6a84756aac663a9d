import { setTimeout as delay } from 'node:timers/promises'
import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import type { Deployment } from './deployment.ts'
import { percentile } from './percentile.ts'
import type { Progress } from './progress.ts'
import type { Recorder } from './recorder.ts'
import { createLagSampler, lagEveryMs } from './sample-lag.ts'
import { residentBytes } from './sample-processes.ts'
import { type HotspotWatch, watchHotspot } from './watch-hotspot.ts'

type Options = {
  stores: { redis: Redis; keys: Keys } | undefined
  deployment: Deployment
  landed: string
  recorder: Recorder
  progress: Progress
}
/** What is older is not told as what happens now, ms. */
const freshMs = 3_000

export type Watch = {
  hotspot: HotspotWatch | undefined
  /** Bytes that Redis used at the most. */
  redisMost(): number
  /** Waits for no look that is under way: a server that is away may never answer it. */
  stop(): void
}

/** Looks at lag, hotspot and memory until it is stopped, and tells a person once a second. */
export function startWatch({ stores, deployment, landed, recorder, progress }: Options): Watch {
  const stopping = new AbortController()
  const { signal } = stopping
  const hotspot = stores && watchHotspot(stores.redis, stores.keys, landed)
  let redisMost = 0

  async function every(periodMs: number, look: () => unknown): Promise<void> {
    while (!signal.aborted) {
      const startedMs = performance.now()
      await (async () => look())().catch(() => {}) // a server that is slow or away is seen in what is missing
      await delay(Math.max(0, periodMs - (performance.now() - startedMs)), undefined, { signal }).catch(() => {})
    }
  }

  async function lookAtMemory(): Promise<void> {
    const atMs = Date.now()
    for (const { name, pid } of deployment.own?.processes ?? []) {
      const bytes = residentBytes(pid())
      if (bytes !== undefined) recorder.memory.push({ atMs, name, bytes })
    }
    if (stores) redisMost = Math.max(redisMost, await redisMemory(stores.redis))
  }

  function tell(): void {
    const sinceMs = Date.now() - freshMs
    const second = recorder.seconds.findLast(({ atMs }) => atMs > sinceMs)
    const seen = recorder.visible.slice(-200).flatMap(([atMs, ms]) => (atMs > sinceMs ? ms : []))
    progress.second(recorder.phases.at(-1)?.name ?? '', second, recorder.lag.at(-1), percentile(seen, 0.5))
  }

  const sampleLag = stores && createLagSampler(stores.redis, stores.keys, landed)
  if (sampleLag) void every(lagEveryMs, async () => recorder.lag.push(await sampleLag()))
  void every(1_000, lookAtMemory)
  void every(1_000, tell)
  return {
    hotspot,
    redisMost: () => redisMost,
    stop() {
      stopping.abort()
      hotspot?.stop()
    },
  }
}

export async function redisMemory(redis: Redis): Promise<number> {
  return Number(/used_memory:(\d+)/.exec(await redis.info('memory'))?.[1] ?? 0)
}
