import { readFileSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type DataOf, type EventType, commentEvents } from './comment-events.ts'
import { type Entry, decodeEntry } from './recorded.ts'

// One entry of each version ever written, as the log holds it. A golden file never changes; what it decodes to is today's shape.

const folder = new URL('golden/', import.meta.url)
const goldenEntry = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Entry
const goldenFiles = readdirSync(folder)
const types = Object.keys(commentEvents) as EventType[]

const commentId = '018bcfe5-6801-7000-8010-000000000000'
const rootId = '018bcfe5-6800-7000-8000-000000000000'
const on = { commentId, rootId }
const personal = { reason: 'spam' }
const written = { role: 'user' as const, writtenAt: null }
const root = {
  position: '1700000000000-000000',
  actor: 'ann',
  at: 1_700_000_000_000,
  data: { ...written, parentId: null, rootId: null, personal: { name: 'Ann', body: 'first' } },
}
const reply = {
  position: '1700000000001-000001',
  actor: 'bob',
  at: 1_700_000_000_001,
  data: { ...written, parentId: rootId, rootId, personal: { name: 'Bob', body: 'second' } },
}

const expected: { [T in EventType]: DataOf<T> } = {
  'comment.posted': {
    role: 'artist',
    parentId: commentId,
    rootId,
    writtenAt: 1_500_000_000_000,
    personal: { name: 'The Star', picture: 'https://pictures.example/star.png', body: 'Thank you 💙', targets: [reply, root] },
  },
  'comment.edited': { ...on, personal: { body: 'second, edited' } },
  'comment.deleted': { ...on, by: 'moderator' },
  'comment.hidden': { ...on, personal },
  'comment.restored': { ...on, personal: null },
  'comment.held': { ...on, personal },
  'comment.approved': on,
  'comment.pinned': { ...on, personal: { targets: [reply] } },
  'comment.unpinned': on,
  'comment.liked': { commentId },
  'comment.unliked': { commentId },
  'comment.reported': { commentId, personal },
  'user.banned': { userId: 'eve', until: 1_800_000_000_000, personal },
  'user.unbanned': { userId: 'eve' },
  'dead-letter.discarded': { group: 'store', stream: 'ov:{0}:global', entry: '1700000000001-1', personal },
  'read-model.repaired': { model: 'counts', key: 'count:song:a', field: 'total', before: '3', after: '4' },
}

test('every version of every type that was ever written has its golden file, and no other', () => {
  const wanted = types.flatMap((type) => Array.from({ length: commentEvents[type].version }, (_, i) => `${type}.v${i + 1}.json`))
  expect(goldenFiles.toSorted()).toEqual(wanted.toSorted())
})

test.each(goldenFiles)('%s decodes to the shape of today', (name) => {
  const entry = goldenEntry(name)
  const event = decodeEntry(entry)
  expect(event.data).toEqual(expected[event.type])
  expect(`${event.type}.v${entry.fields['v']}.json`).toBe(name)
  const { id, topic, actor, at, cid: correlationId, key, seq, term } = entry.fields
  const envelope = {
    id,
    topic,
    actor,
    correlationId,
    key,
    lane: entry.lane,
    seq: Number(seq),
    term: Number(term),
    at: new Date(Number(at)),
  }
  expect(event).toMatchObject(envelope)
  expect(event.position).toMatch(/^17000000010\d\d-0000\d\d$/)
})

test('an event written again has the lane, term, seq and position of its origin', () => {
  const { lane, fields, entryId } = goldenEntry('comment.liked.v1.json')
  const again = {
    lane: 'priority',
    entryId: '1800000000000-0',
    fields: { ...fields, term: '7', seq: '99', origin: `${lane}/1/10/1700000001009-000009` },
  }
  expect(decodeEntry(again)).toEqual(decodeEntry({ lane, fields, entryId }))
})

describe('what cannot be decoded', () => {
  const { fields, ...entry } = goldenEntry('comment.liked.v1.json')
  const decode = (change: Record<string, string>) => () => decodeEntry({ ...entry, fields: { ...fields, ...change } })

  test.each(types)('%s of a newer version is a deploy in the wrong order, whatever its data', (type) => {
    const v = String(commentEvents[type].version + 1)
    expect(decode({ type, v, data: '{"of":"tomorrow"}' })).toThrow(expect.objectContaining({ name: 'UnknownVersionError' }))
  })

  test('so is a type that this code does not know', () => {
    expect(decode({ type: 'comment.sung' })).toThrow(expect.objectContaining({ name: 'UnknownVersionError' }))
  })

  test.each([
    ['no JSON', { data: '{' }],
    ['data of another shape', { data: '{"commentId":7}' }],
    ['an id that is none', { data: '{"commentId":"x"}' }],
    ['no data', { data: '' }],
    ['no id', { id: '' }],
    ['no type', { type: '' }],
    ['no topic', { topic: '' }],
    ['no actor', { actor: '' }],
    ['no time', { at: '' }],
    ['no seq', { seq: 'x' }],
    ['no term', { term: '-1' }],
    ['no version', { v: '' }],
    ['version 0', { v: '0' }],
    ['a version that is no number', { v: 'one' }],
    ['a malformed origin', { origin: 'global/1/2' }],
    ['a name of every object', { type: 'constructor' }],
  ])('unreadable, never to be read: %s', (_, change) => {
    expect(decode(change)).toThrow(expect.objectContaining({ name: 'UnreadableError' }))
  })

  test.each(types)('%s without its data is unreadable', (type) => {
    expect(decode({ type, data: '{}' })).toThrow(expect.objectContaining({ name: 'UnreadableError' }))
  })
})
