import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'

export type HotspotState = 'hot' | 'draining' | 'none'
export type Transition = { atMs: number; state: HotspotState }

/** How exact the time of a promotion is known, ms. */
const everyMs = 50

/** What the hotspot table says about a topic, from now on. */
export function watchHotspot(redis: Redis, keys: Keys, topic: string) {
  const { hotspots } = keys.of(topic)
  const transitions: Transition[] = []
  let state: HotspotState = 'none'
  let isLooking = false
  const look = async () => {
    const now = ((await redis.hget(hotspots, topic)) ?? 'none') as HotspotState
    if (now === state) return
    state = now
    transitions.push({ atMs: Date.now(), state })
  }
  const timer = setInterval(() => {
    if (isLooking) return
    isLooking = true
    void look()
      .catch(() => {})
      .finally(() => (isLooking = false))
  }, everyMs)
  return {
    transitions,
    state: () => state,
    stop: () => clearInterval(timer),
  }
}
export type HotspotWatch = ReturnType<typeof watchHotspot>
