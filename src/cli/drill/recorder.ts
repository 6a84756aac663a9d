import type { Ledger } from './ledger.ts'
import type { ArtistSample, Sample, Tick } from './messages.ts'
import type { LagSample } from './sample-lag.ts'

export const phaseNames = ['warm-up', 'quiet', 'landing', 'frozen', 'draining', 'soak', 'settling'] as const
export type PhaseName = (typeof phaseNames)[number]
export type Phase = { name: PhaseName; startMs: number; endMs: number }

/** A second of the run. */
export type Second = {
  atMs: number
  reads: number
  readP99Ms: number | undefined
  writes: number
  writeP99Ms: number | undefined
}
export type Totals = {
  reads: number
  floodReads: number
  serverErrors: number
  otherErrors: number
  accepted: number
  floodWrites: number
  limited: number
  shed: number
  floodRefused: number
  repeated: number
  failed: number
  never: number
  driven: number
  notDriven: number
  lateMs: number
  firstReadError?: string
  firstWriteError?: string
}

/** Everything that was seen, by time. */
export function createRecorder(ledger: Ledger, p99: (samples: readonly number[]) => number | undefined) {
  const phases: Phase[] = []
  const seconds: Second[] = []
  const visible: Sample[] = []
  const artist: ArtistSample[] = []
  const lag: LagSample[] = []
  const memory: { atMs: number; name: string; bytes: number }[] = []
  const none = { reads: 0, floodReads: 0, serverErrors: 0, otherErrors: 0, accepted: 0, floodWrites: 0 }
  const totals: Totals = {
    ...none,
    limited: 0,
    shed: 0,
    floodRefused: 0,
    repeated: 0,
    failed: 0,
    never: 0,
    driven: 0,
    notDriven: 0,
    lateMs: 0,
  }
  const within = <T>(items: readonly T[], timeOf: (item: T) => number, wanted: readonly Phase[]): T[] =>
    items.filter((item) => wanted.some(({ startMs, endMs }) => timeOf(item) >= startMs && timeOf(item) < endMs))
  const named = (name: PhaseName) => phases.filter((phase) => phase.name === name)

  return {
    phases,
    seconds,
    visible,
    artist,
    lag,
    memory,
    totals,
    begin(name: PhaseName): void {
      const startMs = Date.now()
      const before = phases.at(-1)
      if (before) before.endMs = startMs
      phases.push({ name, startMs, endMs: Infinity })
    },
    addTick({ acknowledged, unsure, reads, writes, ...tick }: Tick, atMs: number): void {
      ledger.add(acknowledged, unsure)
      visible.push(...tick.visible)
      artist.push(...tick.artist)
      totals.reads += reads.done
      totals.floodReads += reads.flood
      totals.serverErrors += reads.serverErrors
      totals.otherErrors += reads.otherErrors
      totals.accepted += writes.accepted
      totals.floodWrites += writes.flood
      totals.never += tick.never
      totals.driven += tick.driven
      totals.notDriven += tick.notDriven
      totals.lateMs = Math.max(totals.lateMs, tick.lateMs)
      for (const kind of ['limited', 'shed', 'floodRefused', 'repeated', 'failed'] as const) totals[kind] += writes[kind]
      if (reads.firstError) totals.firstReadError ??= reads.firstError
      if (writes.firstError) totals.firstWriteError ??= writes.firstError
      if (reads.done + writes.accepted === 0) return
      seconds.push({
        atMs,
        reads: reads.done,
        readP99Ms: p99(reads.samples.map(([, ms]) => ms)),
        writes: writes.accepted,
        writeP99Ms: p99(writes.samples.map(([, ms]) => ms)),
      })
    },
    /** Of each phase of that name, in order. */
    visibleIn: (name: PhaseName) => named(name).map((phase) => within(visible, ([atMs]) => atMs, [phase]).map(([, ms]) => ms)),
    /** How long phases of that name took, ms; one that has not ended until now. */
    msOf: (name: PhaseName) => named(name).reduce((sum, { startMs, endMs }) => sum + Math.min(endMs, Date.now()) - startMs, 0),
    lagIn: (name: PhaseName) => within(lag, ({ atMs }) => atMs, named(name)),
    memoryIn: (name: PhaseName) => within(memory, ({ atMs }) => atMs, named(name)),
  }
}
export type Recorder = ReturnType<typeof createRecorder>
