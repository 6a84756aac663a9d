import { partitionOf, tagsOf } from './partitions.ts'

/** Names of the keys of one partition; all share its hash tag. */
export type PartitionKeys = ReturnType<typeof partitionKeys>

function partitionKeys(prefix: string, partition: number, tag: string) {
  const start = `${prefix}{${tag}}:`
  const key = (rest: string) => start + rest
  return {
    partition,
    tag,
    /** Hash: term, clock, a `seq:<lane>` for each stream, what reconciling must remember. */
    meta: key('meta'),
    /** Hash: topic to `hot` (writes go to its stream) or `draining` (its stream is only read). */
    hotspots: key('hotspots'),
    /** Hash: topic to why it is a hotspot and until when, as JSON. */
    hotspotInfo: key('hotspot-info'),
    /** Sorted set: topic to its writes in that second of the server's clock, as the API process knows it: a second beside it now and then. */
    heat: (second: number) => key(`heat:${second}`),
    /** How far a user has used up the quota of a class. */
    limit: (quota: string, user: string) => key(`limit:${quota}:${user}`),
    /** Set: the groups that must exist on every stream. */
    groups: key('groups'),
    lease: key('lease'),
    /** Entry up to which the Redis models of an emptied server must have read before they are whole again, or `later`. */
    rebuilding: key('rebuilding'),
    /** Sorted set: topic by the ms of its last activity. */
    topics: key('topics'),
    lane: (lane: string) => key(lane),
    hot: (topic: string) => key(`hot:${topic}`),
    dead: (group: string) => key(`dead:${group}`),
    idempotency: (bucket: string) => key(`idem:${bucket}`),
    count: (topic: string) => key(`count:${topic}`),
    likes: (topic: string) => key(`likes:${topic}`),
    likers: (topic: string, position: string) => key(`likers:${topic}:${position}`),
    /** Sorted set: a topic's roots in hot order. */
    ranked: (topic: string) => key(`ranked:${topic}`),
    feed: (topic: string) => key(`feed:${topic}`),
    feedIndex: (topic: string) => key(`feed-index:${topic}`),
    feedRoots: (topic: string) => key(`feed-roots:${topic}`),
    feedReplies: (topic: string) => key(`feed-replies:${topic}`),
    feedStubs: (topic: string) => key(`feed-stubs:${topic}`),
    pins: (topic: string) => key(`pins:${topic}`),
    /** String: a built page of a hot topic, of another partition as a rule. */
    copy: (topic: string, page: string) => key(`copy:${page}:${topic}`),
    /** Hash: numbers of `model` that MongoDB does not have yet, `<topic>/<position>` to version. */
    dirty: (model: string) => key(`dirty:${model}`),
    /** Who carries them there this second. */
    flushed: (model: string) => key(`flushed:${model}`),
  }
}

export type Keys = {
  prefix: string
  partitions: readonly PartitionKeys[]
  of(topic: string): PartitionKeys
  /** Sorted set: topic to how often it was read in that second, by the server's clock. */
  reads(second: number): string
  hotspots: {
    /** Sorted set: hot topic to when its rate was last a quarter of its limit or more, ms. */
    warm: string
    /** Sorted set: topic that a person demoted to until when its rates do not promote it, ms. */
    held: string
    /** What the controller that acts goes by, as JSON; gone when none acts. */
    limits: string
    /** Lease of the controller that acts. */
    controller: string
  }
  /** Set while a `priority` or `global` lane of the group is in need, in any process. */
  crowded(group: string): string
  /** Set while a hot lane of the group takes more than its least, in any process. */
  pressing(group: string): string
}

export function createKeys(prefix: string, partitions: number): Keys {
  const all = tagsOf(partitions).map((tag, partition) => partitionKeys(prefix, partition, tag))
  return {
    prefix,
    partitions: all,
    of: (topic) => all[partitionOf(topic, partitions)]!,
    reads: (second) => `${prefix}reads:${second}`,
    hotspots: {
      warm: `${prefix}hotspot-warm`,
      held: `${prefix}hotspot-held`,
      limits: `${prefix}hotspot-limits`,
      controller: `${prefix}hotspot-controller`,
    },
    crowded: (group) => `${prefix}crowded:${group}`,
    pressing: (group) => `${prefix}pressing:${group}`,
  }
}
