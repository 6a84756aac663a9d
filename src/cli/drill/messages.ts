/** What was acknowledged; topics by number, entry ids as the log issued them. */
export type Acknowledged =
  | { kind: 'post'; topic: number; id: string; rootId: string | null }
  | { kind: 'like'; topic: number; id: string; user: string; isLiked: boolean; entryId: string }
  | { kind: 'other'; topic: number; entryId: string }

/** `[when it was sent, ms since 1970; how long it took, ms]` */
export type Sample = [atMs: number, ms: number]

export type ArtistSample = { atMs: number; postMs: number; pinMs: number }

/** What a generator did since it last said so. */
export type Tick = {
  acknowledged: Acknowledged[]
  /** Writes whose outcome stayed unknown, and repeats of likes: the archive may have that many more. */
  unsure: { posts: number; events: number }
  reads: { done: number; flood: number; serverErrors: number; otherErrors: number; samples: Sample[]; firstError?: string }
  writes: {
    accepted: number
    flood: number
    /** 429 and 503 `overloaded`, of ordinary writes and the artist's; both of the flood's. */
    limited: number
    shed: number
    floodRefused: number
    repeated: number
    failed: number
    samples: Sample[]
    firstError?: string
  }
  /** Time to visible of the probes, on other topics than the landed one; `never` is those nobody saw in 10 s. */
  visible: Sample[]
  never: number
  artist: ArtistSample[]
  /** What was begun as planned, what was due and not begun because too many were under way, and the longest that one was begun late, ms. */
  driven: number
  notDriven: number
  lateMs: number
}

export type Traffic = { reads: number; writes: number; probes: number; flood: { reads: number; writes: number } | null }

export type World = {
  url: string
  writeUrl: string
  topics: number
  topicPrefix: string
  users: number
  jwt: { secret: string; issuer?: string; audience?: string }
}
export type Stores = { redisUrl: string; mongodbUrl: string; keyPrefix: string; partitions: number; idempotencyWindowMs: number }

/** What a generator can be asked; each is answered once, with its result. */
export type Asks = {
  begin: { ask: World; answer: null }
  drive: { ask: Traffic; answer: { atMs: number } }
  /** Closed loop, as fast as it goes: what the machine bears. */
  calibrate: { ask: { kind: 'reads' | 'writes'; ms: number }; answer: { done: number; tookMs: number } }
  /** The artist posts, waits until another client sees it, pins, waits again; `count` times. */
  artist: { ask: { count: number; everyMs: number }; answer: null }
  /** Appends events of the landed topic straight to the log. */
  fill: { ask: { stores: Stores; events: number; perSecond: number }; answer: { appended: number; tookMs: number } }
  /** No new traffic; answers when every request under way has been answered. */
  quiesce: { ask: null; answer: null }
}
export type AskName = keyof Asks
export type Ask = { [N in AskName]: { id: number; name: N; ask: Asks[N]['ask'] } }[AskName]
export type Reply = { id: number; answer: unknown } | { id: number; error: string } | { tick: Tick; atMs: number }
