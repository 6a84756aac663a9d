import { expect, test } from 'vitest'
import { DomainError } from '../../errors.ts'
import type { Append, AppendToLog, Outcome } from '../../events/append.ts'
import { appendRows } from './append-rows.ts'
import type { YoutubeRow } from './youtube-rows.ts'

const rows = Array.from({ length: 120 }, (_, i): YoutubeRow => ({
  row: i + 2,
  id: `id${i}`,
  actor: 'youtube:a',
  name: 'A',
  body: `body ${i}`,
  writtenAt: i,
}))
const outcome = (kind: 'appended' | 'repeated', correlationId: string): Outcome => ({
  kind,
  event: { correlationId } as never,
  entryLane: 'global',
  entryId: '1-1',
  target: undefined,
})
const appendAll = (append: AppendToLog, onAppended: (count: number) => void = () => {}) =>
  appendRows(rows, { append, topic: 'song:a', correlationId: 'mine', onAppended })

test('rows are appended in order, the first alone, then fifty at a time', async () => {
  const [calls, counts, inFlight]: [Append[], number[], number[]] = [[], [], []]
  let flying = 0
  const done = await appendAll(
    async (event) => {
      calls.push(event)
      inFlight.push(++flying)
      await new Promise(setImmediate)
      flying -= 1
      return outcome('appended', 'mine')
    },
    (count) => counts.push(count),
  )
  expect(done).toEqual({ taken: 120, repeated: 0 })
  expect(calls.map(({ eventId }) => eventId)).toEqual(rows.map(({ id }) => `import:youtube:${id}`))
  expect(calls[3]).toEqual({
    type: 'comment.posted',
    topic: 'song:a',
    actor: 'youtube:a',
    correlationId: 'mine',
    eventId: 'import:youtube:id3',
    facts: { role: 'user', parentId: null, rootId: null, writtenAt: 3 },
    personal: { name: 'A', body: 'body 3' },
    idempotency: { key: 'import:youtube:id3', request: 'import:youtube:id3' },
  })
  expect(counts).toEqual([1, 51, 101, 120])
  expect([inFlight[0], inFlight[1], Math.max(...inFlight)]).toEqual([1, 1, 50])
})

test('an outcome that was lost is asked again; found as ours it is taken, as another import’s it is repeated', async () => {
  const asked = new Map<string, number>()
  const done = await appendAll(async ({ eventId }) => {
    const times = asked.get(eventId!) ?? 0
    asked.set(eventId!, times + 1)
    if (eventId === 'import:youtube:id7' && times === 0) throw new DomainError('unavailable', 'no answer')
    if (eventId === 'import:youtube:id7') return outcome('repeated', 'mine')
    return outcome(eventId === 'import:youtube:id9' ? 'repeated' : 'appended', eventId === 'import:youtube:id9' ? 'theirs' : 'mine')
  })
  expect(done).toEqual({ taken: 119, repeated: 1 })
  expect(asked.get('import:youtube:id7')).toBe(2)
})

test('a refusal ends the import', async () => {
  await expect(appendAll(() => Promise.reject(new DomainError('idempotency-key-reused', 'no')))).rejects.toThrow('no')
})
