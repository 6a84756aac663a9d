/** What a run does; times in ms, rates per second. */
export type Settings = {
  kind: 'landing' | 'soak'
  /** Has too few samples for some rows. */
  isShort: boolean
  topics: number
  topicPrefix: string
  users: number
  /** Entries that wait on the landed topic while its consumers are frozen. */
  backlog: number
  backlogPerSecond: number
  artistPosts: number
  artistEveryMs: number
  calibrateMs: number
  warmUpMs: number
  /** Of a stretch with the flood, and of one without; longer where the machine is slow, for as many probes as a percentile needs. */
  blockMs: number
  longestBlockMs: number
  /** Floods, each beside a quiet block. */
  floods: number
  /** How long the thawed lane drains beside ordinary traffic, before it has the machine to itself. */
  drainBesideMs: number
  soakMs: number
  /** How long nothing may move before a backlog counts as stuck. */
  stuckAfterMs: number
  /** Longer than a quiet block: a crowd that comes in waves is one crowd. */
  coolDownMs: number
}

type Given = {
  kind: 'landing' | 'soak'
  isShort: boolean
  /** A fault shows in what is frozen: isolation need not be measured. */
  isPlanted: boolean
  topics: number
  backlog: number | undefined
  soakMs: number
  runId: string
}

/** Full: at most 6 minutes on two cores. Short, for every night: at most 90 s. */
export function settingsOf({ kind, isShort, isPlanted, topics, backlog, soakMs, runId }: Given): Settings {
  const fixed = { kind, isShort, topics, topicPrefix: `drill:${runId}:`, users: 5_000, artistPosts: 40, soakMs }
  return isShort
    ? {
        ...fixed,
        backlog: backlog ?? 10_000,
        backlogPerSecond: 3_000,
        artistEveryMs: 350,
        calibrateMs: 1_200,
        warmUpMs: 2_000,
        blockMs: 4_000,
        longestBlockMs: 4_000,
        floods: isPlanted ? 1 : 3,
        drainBesideMs: 3_000,
        stuckAfterMs: 6_000,
        coolDownMs: 8_000,
      }
    : {
        ...fixed,
        backlog: backlog ?? 100_000,
        backlogPerSecond: 4_000,
        artistEveryMs: 700,
        calibrateMs: 2_500,
        warmUpMs: 5_000,
        blockMs: 8_000,
        longestBlockMs: 14_000,
        floods: 7,
        drainBesideMs: 20_000,
        stuckAfterMs: 15_000,
        coolDownMs: 20_000,
      }
}
