import type { Sample, Tick } from '../messages.ts'

/** Latencies kept a second and kind: enough for a percentile of each second, few enough to be sent. */
const samplesKept = 400

const nothing = (): Tick => ({
  acknowledged: [],
  unsure: { posts: 0, events: 0 },
  reads: { done: 0, flood: 0, serverErrors: 0, otherErrors: 0, samples: [] },
  writes: { accepted: 0, flood: 0, limited: 0, shed: 0, floodRefused: 0, repeated: 0, failed: 0, samples: [] },
  visible: [],
  never: 0,
  artist: [],
  driven: 0,
  notDriven: 0,
  lateMs: 0,
})

/** What happened since it was last taken. */
export function createTally() {
  let now = nothing()
  return {
    get now(): Tick {
      return now
    },
    take(): Tick {
      const taken = now
      now = nothing()
      return taken
    },
  }
}
export type Tally = ReturnType<typeof createTally>

/** Every sample has the same chance to be among those kept; `seen` counts this one too. */
export function keepSample(samples: Sample[], seen: number, sample: Sample): void {
  if (samples.length < samplesKept) samples.push(sample)
  else {
    const at = Math.floor(Math.random() * seen)
    if (at < samplesKept) samples[at] = sample
  }
}
