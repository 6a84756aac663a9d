import { expect, test } from 'vitest'
import type { Recorded } from '../../events/recorded.ts'
import { snapshotOf } from '../../projections/comments.ts'
import { viewOfSnapshot } from './comment-view.ts'
import { present, presentPosted } from './present.ts'

const posted = (data: Partial<Recorded<'comment.posted'>['data']>): Recorded<'comment.posted'> => ({
  id: 'e1',
  type: 'comment.posted',
  topic: 'song:a',
  position: '1764000000000-000001',
  lane: 'global',
  seq: 1,
  term: 1,
  actor: 'ann',
  at: new Date(1_764_000_000_000),
  correlationId: 'c1',
  key: '',
  data: { role: 'user', parentId: null, rootId: null, writtenAt: null, personal: { name: 'Ann', body: 'so *good*' }, ...data },
})

test.each([
  posted({}),
  posted({ writtenAt: 1_400_000_000_000, role: 'artist' }),
  posted({ personal: null }),
  posted({ personal: { name: 'Ann', picture: 'https://example.org/a.png', body: 'a\n\nb' } }),
])('a comment just posted looks as it will when it is read, case %#', (event) => {
  expect(presentPosted(event)).toEqual(present(viewOfSnapshot(event.topic, snapshotOf(event))))
})
