import { expect, test } from 'vitest'
import { durationOf, tableOf } from './table.ts'

test('columns are as wide as their widest cell, numbers stand right', () => {
  const rows = [
    { name: 'store', lag: 5, age: '12ms' },
    { name: 'a-long-name', lag: 1_234, age: '-' },
  ]
  const columns = [
    { head: 'NAME', value: ({ name }: (typeof rows)[number]) => name },
    { head: 'LAG', value: ({ lag }: (typeof rows)[number]) => lag },
    { head: 'AGE', value: ({ age }: (typeof rows)[number]) => age },
    { head: 'STATUS', value: () => 'ok' },
  ]
  expect(tableOf(columns, rows).split('\n')).toEqual([
    'NAME          LAG   AGE  STATUS', //
    'store           5  12ms  ok',
    'a-long-name  1234     -  ok',
  ])
  expect(tableOf(columns, [])).toBe('NAME  LAG  AGE  STATUS')
})

test.each([
  [null, '-'],
  [0, '0ms'],
  [999, '999ms'],
  [1_500, '1.5s'],
  [59_990, '60.0s'],
  [61_000, '1m01s'],
  [7_500_000, '2h05m'],
])('%s ms is %s', (ms, text) => expect(durationOf(ms)).toBe(text))
