import { randomUUID } from 'node:crypto'
import type { Redis } from 'ioredis'
import { DomainError } from '../errors.ts'
import { commandTimeoutMs } from '../redis/connect.ts'
import type { Keys, PartitionKeys } from '../redis/keys.ts'
import { type Script, luaFile, scriptOf } from '../redis/script.ts'
import { type EventType, type Snapshot, commentEvents } from './comment-events.ts'
import { positionOfComment, positionOfEntry } from './position.ts'
import { type Recorded, decodeEntry } from './recorded.ts'
import { bucketsAt, fieldOf, recognisedMs, requestHash, unkeyedField } from './idempotency.ts'

/** A command's event, as far as it is known before the log has found its target. */
export type Append = {
  type: EventType
  topic: string
  actor: string
  correlationId: string
  /** The event's data but for `rootId` and `personal`. Not empty. */
  facts: Record<string, unknown>
  /** The event's `personal`; leave it out where the event has none. */
  personal?: Record<string, unknown> | null
  /** Ahead of everybody: artists on their own topics, moderators, pins. */
  priority?: boolean
  /** Posts and reports, which do not converge by themselves. Without a key a resent command is recognised by its event id, 2 minutes long. */
  idempotency?: { key: string | undefined; request: string }
  /** Given by an import: derived from the source, so that the archive can be asked. */
  eventId?: string
  target?: Target
  /** Counted where the event is appended: neither a repeat nor a refusal uses any up. Refused as `too-many-requests`. */
  limit?: Limit
}
/** A quota of one user: one event an interval in the long run, a whole burst at once. In each partition for itself. */
export type Limit = { name: string; intervalMs: number; burstMs: number }
export type Target = {
  commentId: string
  /** What `rootId` becomes: that of the new reply, or the target's own. */
  rootOf?: 'reply' | 'comment'
  mustBeAuthor?: boolean
  /** How long after its creation the target may still be changed, ms. */
  windowMs?: number
  /** The event carries the target, for read models that have not seen it yet. */
  withSnapshot?: boolean
}

export type Outcome =
  | {
      kind: 'appended' | 'repeated'
      event: Recorded
      entryLane: string
      entryId: string
      target: Snapshot | undefined
      /** Where a limit was given and used: until all of it is there again, ms. */
      owedMs?: number
    }
  /** The command asks for what already is. */
  | { kind: 'unchanged' }
  /** An append made earlier under this key was trimmed since: its comment is in the read models. */
  | { kind: 'repeated-and-trimmed'; entryLane: string; entryId: string }

export type AppendDependencies = {
  redis: Redis
  keys: Keys
  idempotencyWindowMs: number
  /** Opens a partition that refuses: a server that restarted, was promoted or emptied. Resolves with the new term. */
  reopen(partition: PartitionKeys, failedTerm: number | undefined): Promise<number>
  /** A comment that is in neither feed nor log any more. Bounded by a second; rejects with `unavailable`. */
  findCold(topic: string, commentId: string): Promise<Cold | undefined>
}
export type Cold = { snapshot: Snapshot; isDeleted: boolean }

export type AppendToLog = (append: Append) => Promise<Outcome>

const text = luaFile(import.meta.url, 'append.lua')
const scriptFor = (tag: string, term: number): Script => scriptOf(`local TAG, TERM = '${tag}', '${term}'\n${text}`)

/** The append script of one partition and term. Reconciling loads it, nobody else: see docs/architecture.md, terms. */
export const appendScript = scriptFor

type Reply = [status: string, serverMs: number, ...rest: unknown[]]
const maxReopens = 3
/** A command without a record runs no later than its caller was told that it failed: sent again after a newer one, it would win over it. */
const unrecordedLateMs = commandTimeoutMs
/** Commands that may wait on the connection, twice as many with what goes first: it keeps those that were given up, and sends them all in the end. */
const maxWaiting = 5_000

/**
 * Appends an event to the log: one script, one round trip, one more where only MongoDB knows the target.
 * Rejects with a DomainError: `unavailable` when the outcome is unknown (repeat with the same key), the refusals of http-api otherwise.
 */
export function createAppend({ redis, keys, idempotencyWindowMs, reopen, findCold }: AppendDependencies): AppendToLog {
  const open = new Map<string, { term: number; script: Script }>()
  let clockOffsetMs = 0

  return async function append(event) {
    if (waitingOn(redis) > (event.priority ? 2 : 1) * maxWaiting) return unavailable(new Error('too many commands wait'))
    const partition = keys.of(event.topic)
    const id = event.eventId ?? randomUUID()
    // Once: a request that is sent again after a reopening looks for its record where the first one left it.
    const nowMs = Date.now() + clockOffsetMs
    let known: Snapshot | undefined
    for (let reopens = 0; reopens <= maxReopens;) {
      const { term, script } = open.get(partition.tag) ?? (await openTerm(partition))
      const sentMs = Date.now()
      const reply = await send(partition, script, event, { id, nowMs, known })
      const [status, serverMs] = reply
      if (serverMs !== undefined) clockOffsetMs = serverMs - (sentMs + Date.now()) / 2 // it ran somewhere between
      if (status === 'closed' || status === 'clock-behind') {
        reopens += 1
        open.delete(partition.tag)
        remember(partition, await reopen(partition, term))
      } else if (status === 'cold' && !known) {
        const cold = await findCold(event.topic, event.target!.commentId)
        if (cold?.isDeleted && event.type === 'comment.deleted') return { kind: 'unchanged' }
        if (!cold || cold.isDeleted) throw new DomainError('not-found', 'no such comment under this topic')
        known = cold.snapshot
      } else return outcomeOf(reply, event, id, term)
    }
    throw new DomainError('unavailable', 'the log is being reopened; repeat the request')
  }

  async function openTerm(partition: PartitionKeys) {
    const term = await redis.hget(partition.meta, 'term').catch(unavailable)
    return remember(partition, term ? Number(term) : await reopen(partition, undefined))
  }

  function remember(partition: PartitionKeys, term: number) {
    const opened = { term, script: scriptFor(partition.tag, term) }
    open.set(partition.tag, opened)
    return opened
  }

  async function send(
    partition: PartitionKeys,
    script: Script,
    event: Append,
    { id, nowMs, known }: { id: string; nowMs: number; known: Snapshot | undefined },
  ): Promise<Reply> {
    const { topic, actor, idempotency, target, limit } = event
    const isUnkeyed = idempotency?.key === undefined
    const windowMs = recognisedMs(idempotencyWindowMs, isUnkeyed)
    const field = idempotency ? (idempotency.key === undefined ? unkeyedField(id) : fieldOf(topic, event.actor, idempotency.key)) : ''
    const { buckets, keepMs } = bucketsAt(nowMs, windowMs, field, isUnkeyed)
    const args = [
      event.priority ? 'priority' : '',
      nowMs + (idempotency ? windowMs / 2 : unrecordedLateMs),
      id,
      event.type,
      commentEvents[event.type].version,
      topic,
      event.actor,
      event.correlationId,
      JSON.stringify(event.facts).slice(0, -1),
      personalText(event),
      field,
      idempotency?.key === undefined ? '' : requestHash(idempotency.request),
      keepMs,
      limit?.intervalMs ?? '',
      limit?.burstMs ?? '',
      ...(target ? targetArguments(target, known) : []),
    ]
    const names = [
      partition.meta,
      partition.hotspots,
      partition.lane('global'),
      partition.lane('priority'),
      partition.hot(topic),
      partition.feed(topic),
      partition.heat(Math.floor(nowMs / 1_000)),
      partition.limit(limit?.name ?? '', limit ? actor : ''),
      partition.count(topic),
      ...buckets.map(partition.idempotency),
    ]
    try {
      return (await redis.evalsha(script.sha, names.length, ...names, ...args)) as Reply
    } catch (error) {
      if (error instanceof Error && error.message.startsWith('NOSCRIPT')) return ['closed', undefined as unknown as number]
      return unavailable(error)
    }
  }
}

const waitingOn = (redis: Redis): number => {
  const { commandQueue, offlineQueue } = redis as unknown as Record<'commandQueue' | 'offlineQueue', { length: number }>
  return commandQueue.length + offlineQueue.length
}

/** The start of the event's `personal`, to which the script adds the snapshot and the end; empty where the event has none. */
function personalText({ personal, target }: Append): string {
  if (personal === null) return 'null'
  if (personal === undefined && !target?.withSnapshot) return ''
  return JSON.stringify(personal ?? {}).slice(0, -1)
}

function targetArguments(target: Target, known: Snapshot | undefined): string[] {
  const position = positionOfComment(target.commentId)
  if (!position) throw new DomainError('not-found', 'no such comment under this topic')
  return [
    position,
    target.commentId,
    target.rootOf ?? '',
    target.mustBeAuthor ? 'author' : '',
    target.windowMs === undefined ? '' : String(target.windowMs),
    target.withSnapshot ? 'yes' : '',
    known ? JSON.stringify(known) : '',
  ]
}

function outcomeOf(reply: Reply, event: Append, id: string, term: number): Outcome {
  const [status, serverMs] = reply
  switch (status) {
    case 'appended': {
      const [lane, entryId, seq, data, target, owedMs] = reply.slice(2) as [string, string, number, string, string, number | '']
      return {
        kind: 'appended',
        event: appendedEvent(event, { id, lane, entryId, seq, term, serverMs, data }),
        entryLane: lane,
        entryId,
        target: target ? (JSON.parse(target) as Snapshot) : undefined,
        ...(owedMs === '' ? {} : { owedMs }),
      }
    }
    case 'repeated': {
      const [lane, entryId, flat] = reply.slice(2) as [string, string, string[]]
      if (flat.length === 0) return { kind: 'repeated-and-trimmed', entryLane: lane, entryId }
      return {
        kind: 'repeated',
        event: decodeEntry({ lane, entryId, fields: fieldsOf(flat) }),
        entryLane: lane,
        entryId,
        target: undefined,
      }
    }
    case 'unchanged':
      return { kind: 'unchanged' }
    case 'limited':
      throw new DomainError('too-many-requests', 'more than the limit allows; try again later', {}, { retryAfterMs: Number(reply[2]) })
    default:
      throw refusalOf(status)
  }
}

type Written = { id: string; lane: string; entryId: string; seq: number; term: number; serverMs: number; data: string }

/** The event as reading its entry would give it. The schema is not asked again: this is what was just written. */
function appendedEvent({ type, topic, actor, correlationId }: Append, { id, lane, entryId, seq, term, serverMs, data }: Written): Recorded {
  const envelope = {
    id,
    type,
    topic,
    lane,
    seq,
    term,
    actor,
    at: new Date(serverMs),
    correlationId,
    key: '',
    position: positionOfEntry(entryId),
  }
  return { ...envelope, data: JSON.parse(data) as Recorded['data'] } as Recorded
}

/** A stream entry's flat list of names and values, as an object. */
export function fieldsOf(flat: readonly string[]): Record<string, string> {
  const fields: Record<string, string> = {}
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i]!] = flat[i + 1]!
  return fields
}

function refusalOf(status: string): DomainError {
  switch (status) {
    case 'key-reused':
      return new DomainError('idempotency-key-reused', 'this Idempotency-Key was used for another request')
    case 'not-the-author':
      return new DomainError('not-the-author', 'only the author may do this')
    case 'edit-window-over':
      return new DomainError('edit-window-over', 'the comment can no longer be edited')
    case 'expired':
      return new DomainError('request-expired', 'the request reached the log too late; repeat it with the same key')
    default:
      return new DomainError('not-found', 'no such comment under this topic')
  }
}

function unavailable(cause: unknown): never {
  throw new DomainError('unavailable', 'the log did not answer; repeat the request with the same Idempotency-Key', {}, { cause })
}
