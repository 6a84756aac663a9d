import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { dateMs, youtubeRows } from './youtube-rows.ts'

const header = 'COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS'
const rowsOf = (...lines: string[]) => youtubeRows(Buffer.from([header, ...lines].join('\n')))
const real = (file: string) => youtubeRows(readFileSync(new URL(`../../../data/youtube-spam-collection/${file}.csv`, import.meta.url)))

test.each([
  ['Youtube01-Psy', 350],
  ['Youtube02-KatyPerry', 350],
  ['Youtube03-LMFAO', 438],
])('every row of %s is taken', (file, count) => {
  const { read, rows, repeated, refused, datedLikeNeighbour } = real(file)
  expect({ read, ids: new Set(rows.map(({ id }) => id)).size, repeated, refused, datedLikeNeighbour }).toEqual({
    read: count,
    ids: count,
    repeated: 0,
    refused: [],
    datedLikeNeighbour: [],
  })
  expect(rows.map(({ writtenAt }) => writtenAt)).toEqual(rows.map(({ writtenAt }) => writtenAt).sort((a, b) => a - b))
})

test('no markup of the export is left in the real comments; the script somebody typed is text', () => {
  const bodies = ['Youtube01-Psy', 'Youtube02-KatyPerry', 'Youtube03-LMFAO'].flatMap((file) => real(file).rows.map(({ body }) => body))
  const left = bodies.filter((body) => /<\/?(br|a|i|span)\b|&(amp|lt|gt|quot|#39);|\uFEFF/.test(body))
  expect(left).toEqual([expect.stringMatching(/^<script>document\.write\('<a target="_self" href=/)])
})

test('anchors of the real comments read as YouTube showed them', () => {
  const { rows } = real('Youtube03-LMFAO')
  const bodyOf = (id: string) => rows.find((row) => row.id === id)?.body
  expect(bodyOf('z13fhbspolbawj5tn22bsbw5ynvlt1kku')).toBe(
    'This Will Always Be My Favorite Song\nBut My Favorite Part Is 3:40-4:11 In The Video',
  )
  expect(bodyOf('z132wbtj1qazyhruq235g5wpgqqmfpgee')).toBe('if watching in 2015 subscribe to +SuperMarioLogan')
  expect(bodyOf('z13mgtcxivevf3thn04cdvty0sqzuteqpys0k')).toMatch(
    /\nhttps:\/\/play\.google\.com\/store\/apps\/details\?id=vn\.ibit\.AppLocker&hl=en$/,
  )
})

test('rows come by date, rows of one date in file order', () => {
  const { rows } = rowsOf(
    'c,C,2015-01-02T00:00:00,3,0',
    'a,A,2015-01-01T00:00:00.5,2,0',
    'b,B,2015-01-01T00:00:00.500000,2,1',
    'd,D,2014-01-01T00:00:00,1,0',
  )
  expect(rows.map(({ id }) => id)).toEqual(['d', 'a', 'b', 'c'])
})

test('a row without a date, or with one nobody can read, is dated like the row before it; the first like the next', () => {
  const { rows, datedLikeNeighbour } = rowsOf('a,A,,1,0', 'b,B,2015-01-01T00:00:00,2,0', 'c,C,yesterday,3,0', 'd,D,2014-01-01T00:00:00,4,0')
  const jan2015 = Date.UTC(2015, 0)
  expect(rows.map(({ id, writtenAt }) => [id, writtenAt])).toEqual([
    ['d', Date.UTC(2014, 0)],
    ['a', jan2015],
    ['b', jan2015],
    ['c', jan2015],
  ])
  expect(datedLikeNeighbour).toEqual([
    { row: 2, id: 'a', writtenAt: jan2015 },
    { row: 4, id: 'c', writtenAt: jan2015 },
  ])
})

test('rows are refused with their number, id and reason; repeated ids are counted', () => {
  const long = 'x'.repeat(5_001)
  const { read, rows, repeated, refused } = rowsOf(
    'a,A,2015-01-01T00:00:00,hi,0',
    'a,A,2015-01-01T00:00:00,hi,0',
    'b,B,2015-01-01T00:00:00,<br />\uFEFF,0',
    `c,C,,${long},0`,
    ',D,,hi,0',
    'e,E',
  )
  expect({ read, taken: rows.length, repeated }).toEqual({ read: 6, taken: 1, repeated: 1 })
  expect(refused).toEqual([
    { row: 4, id: 'b', reason: 'CONTENT is empty' },
    { row: 5, id: 'c', reason: 'CONTENT has 5001 characters, more than 5000' },
    { row: 6, id: '', reason: expect.stringContaining('COMMENT_ID is empty') },
    { row: 7, id: '', reason: 'its number of columns is not that of the header' },
  ])
})

test('without a single date nothing is taken', () => {
  expect(rowsOf('a,A,,hi,0').refused).toEqual([{ row: 2, id: 'a', reason: 'no row of the file has a readable DATE' }])
})

test('names are clean, at most 100 characters, and one name is one actor', () => {
  const { rows } = rowsOf(
    'a,Romix &amp; Muffy,2015-01-01T00:00:00,1,0',
    'b,Romix &amp; Muffy,2015-01-01T00:00:00,2,0',
    'c,,2015-01-01T00:00:00,3,0',
    `d,${'n'.repeat(99)}😀,2015-01-01T00:00:00,4,0`,
  )
  expect(rows.map(({ name }) => name)).toEqual(['Romix & Muffy', 'Romix & Muffy', 'Anonymous', 'n'.repeat(99)])
  expect(rows[0]!.actor).toBe(rows[1]!.actor)
  expect(new Set(rows.map(({ actor }) => actor)).size).toBe(3)
  for (const { actor } of rows) expect(actor).toMatch(/^youtube:[\w-]{9,16}$/)
})

test('a byte order mark, other column orders and newlines in quotes are read', () => {
  const file = '\uFEFFCONTENT,COMMENT_ID,DATE,AUTHOR\r\n"one, ""two""\nthree",a,2015-01-01T00:00:00,A\r\n'
  expect(youtubeRows(Buffer.from(file)).rows).toMatchObject([{ id: 'a', body: 'one, "two"\nthree', name: 'A' }])
})

test.each([
  ['another header', Buffer.from('id,text\n1,hi'), /the header lacks COMMENT_ID, AUTHOR, DATE, CONTENT/],
  ['nothing', Buffer.from(''), /the header lacks/],
  ['an open quote', Buffer.from(`${header}\na,A,,"hi,0`), /not CSV in UTF-8: Quote Not Closed/],
  ['Latin-1', Buffer.from(`${header}\na,A,,caf\u00e9,0`, 'latin1'), /not CSV in UTF-8/],
])('%s is not such a file', (_, file, message) => expect(() => youtubeRows(file)).toThrow(message))

test.each([
  ['2015-05-28T21:39:52.376000', '2015-05-28T21:39:52.376Z'],
  ['2015-05-28 21:39:52', '2015-05-28T21:39:52.000Z'],
  ['2015-05-28T21:39:52.999999999', '2015-05-28T21:39:52.999Z'],
  ['2015-05-28T21:39:52+02:00', '2015-05-28T19:39:52.000Z'],
])('%s is %s', (date, iso) => expect(new Date(dateMs(date)!).toISOString()).toBe(iso))

test.each(['', '2015', '2015-02-31T00:00:00', '2015-13-01T00:00:00', '28/05/2015', '2015-05-28T25:00:00'])('%j is no date', (date) =>
  expect(dateMs(date)).toBeUndefined(),
)
