import { type DataOf, type EventType, commentEvents } from './comment-events.ts'
import { UnknownVersionError } from './define-event.ts'
import { type Position, positionOfEntry } from './position.ts'

/** Where an entry was first written, when reconciling wrote it again: `<lane>/<term>/<seq>/<position>`. */
export type Origin = string

/** Everything an event says about itself, whatever its type. */
export type Envelope = {
  /** Random, given once: two entries with one id are one event. */
  id: string
  topic: string
  /** Orders all events of a topic across lanes. That of the first writing, where there is an origin. */
  position: Position
  /** `global`, `priority` or `hot:<topic>`, of the first writing. */
  lane: string
  /** Contiguous counter of that lane and term. */
  seq: number
  term: number
  actor: string
  at: Date
  correlationId: string
  /** `<field>:<request hash>` of the idempotency record, empty where there is none. */
  key: string
}
/** An event as the log returns it. */
export type Recorded<T extends EventType = EventType> = { [K in T]: Envelope & { type: K; data: DataOf<K> } }[T]

/** An entry of a stream: its id and its flat fields. */
export type Entry = { lane: string; entryId: string; fields: Record<string, string> }

/** The entry's fields are not an event of ours: poison, to be parked. */
export class UnreadableError extends Error {
  override readonly name = 'UnreadableError'
}

const isCount = (text: string | undefined): boolean => /^\d{1,15}$/.test(text ?? '')

/** Reads an entry. Throws UnreadableError for what can never be read and UnknownVersionError for what a newer deploy wrote. */
export function decodeEntry({ lane, entryId, fields }: Entry): Recorded {
  const { id, type, v, topic, seq, term, actor, at, cid, key, data, origin } = fields
  if (!id || !type || !topic || data === undefined) throw new UnreadableError('fields are missing')
  const definition = commentEvents[type as EventType]
  if (!definition) throw new UnknownVersionError(`event type ${type} is not known to this code`)
  if (!actor || ![v, seq, term, at].every(isCount)) throw new UnreadableError('fields are missing')
  const first = origin ? parseOrigin(origin) : { lane, term: Number(term), seq: Number(seq), position: positionOfEntry(entryId) }
  return {
    id,
    type,
    topic,
    ...first,
    actor,
    at: new Date(Number(at)),
    correlationId: cid ?? '',
    key: key ?? '',
    data: decodeData(definition, Number(v), data),
  } as Recorded
}

function decodeData(definition: { decode(version: number, data: unknown): unknown }, version: number, data: string): unknown {
  try {
    return definition.decode(version, JSON.parse(data))
  } catch (error) {
    if (error instanceof UnknownVersionError) throw error
    throw new UnreadableError('data does not fit its schema', { cause: error })
  }
}

function parseOrigin(origin: Origin): Pick<Envelope, 'lane' | 'term' | 'seq' | 'position'> {
  const parts = /^(.+)\/(\d+)\/(\d+)\/([\d-]+)$/.exec(origin)
  if (!parts) throw new UnreadableError('origin is malformed')
  return { lane: parts[1]!, term: Number(parts[2]), seq: Number(parts[3]), position: parts[4]! }
}

/** The inverse of reading an origin. */
export const originOf = ({ lane, term, seq, position }: Pick<Envelope, 'lane' | 'term' | 'seq' | 'position'>): Origin =>
  `${lane}/${term}/${seq}/${position}`
