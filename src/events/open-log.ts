import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { DomainError } from '../errors.ts'
import { bounded } from '../mongo/bounded.ts'
import type { Collections, CommentDocument } from '../mongo/collections.ts'
import { readTimeoutMs } from '../mongo/connect.ts'
import { commandTimeoutMs } from '../redis/connect.ts'
import type { Keys, PartitionKeys } from '../redis/keys.ts'
import { type AppendToLog, type Cold, createAppend } from './append.ts'
import type { Snapshot } from './comment-events.ts'
import { reconcile } from './reconcile.ts'

export type OpenLog = {
  redis: Redis
  keys: Keys
  collections: Collections
  idempotencyWindowMs: number
  log: Logger
  /** Bounds how many comments are looked up at once, and for how long. */
  guardRead?: GuardRead
  /** For how long Redis has been away, ms: once it is more than a restart takes, a write is refused at once. Left out, each write waits. */
  awayMs?(): number
}
type GuardRead = <T>(read: () => Promise<T>) => Promise<T>
const boundedOnly: GuardRead = (read) => bounded(readTimeoutMs, read())

/** Longest a write waits for a partition to be opened, ms; the opening goes on after that. */
const reopenWaitMs = 1_500
/** A server that was restarted is back by then, ms; those that wait for one that is not are only more to answer late. */
const restartMs = 1_000
/** Longest a write waits for its answer, ms, whatever it meets on its way: a little more than one command may. */
const answerWaitMs = commandTimeoutMs + 250

/** The log, able to open partitions whose server forgot them and to ask MongoDB for comments it no longer holds. */
export function openLog({
  redis,
  keys,
  collections,
  idempotencyWindowMs,
  log,
  guardRead = boundedOnly,
  awayMs = () => 0,
}: OpenLog): AppendToLog {
  const opening = new Map<string, Promise<number>>()

  async function reopen(partition: PartitionKeys, failedTerm: number | undefined): Promise<number> {
    const begun =
      opening.get(partition.tag) ??
      reconcile(
        { redis, events: collections.events, settings: collections.settings, idempotencyWindowMs, log },
        partition,
        failedTerm,
      ).finally(() => opening.delete(partition.tag))
    opening.set(partition.tag, begun)
    return await within(reopenWaitMs, begun)
  }

  const append = createAppend({
    redis,
    keys,
    idempotencyWindowMs,
    reopen,
    findCold: (topic, commentId) => findCold(collections, guardRead, topic, commentId),
  })
  return (event) => within(answerWaitMs, awayMs() > restartMs ? Promise.reject(new Error('Redis is away')) : append(event))
}

async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('timeout')), ms)
  })
  try {
    return await Promise.race([promise, timeout])
  } catch (cause) {
    if (cause instanceof DomainError) throw cause
    throw new DomainError('unavailable', 'the log does not answer; repeat the request with the same Idempotency-Key', {}, { cause })
  } finally {
    clearTimeout(timer)
  }
}

async function findCold({ comments }: Collections, guardRead: GuardRead, topic: string, commentId: string): Promise<Cold | undefined> {
  try {
    const document = await guardRead(() => comments.findOne({ _id: `${topic}/${commentId}`, topic }, { maxTimeMS: readTimeoutMs }))
    return document?.position ? { snapshot: snapshotIn(document), isDeleted: document.deleted !== undefined } : undefined
  } catch (cause) {
    // With a time: the log is there. Where that is away nobody knows until when.
    throw new DomainError('unavailable', 'an older comment cannot be looked up now; repeat the request', {}, { cause, retryAfterMs: 1_000 })
  }
}

function snapshotIn({ position, author, createdAt, parentId, rootId, body }: CommentDocument): Snapshot {
  const { id = '', role = 'user', name = null, picture } = author ?? {}
  const at = createdAt?.getTime() ?? 0
  return {
    position: position!,
    actor: id,
    at,
    data: {
      role: role as Snapshot['data']['role'],
      parentId: parentId ?? null,
      rootId: rootId ?? null,
      writtenAt: null,
      personal: name === null ? null : { name, ...(picture ? { picture } : {}), body: body?.text ?? '' },
    },
  }
}
