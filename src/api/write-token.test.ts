import { expect, test } from 'vitest'
import { createWriteTokens } from './write-token.ts'

const tokens = createWriteTokens('a secret')
const topic = 'song:psy'
const entryId = '1700000000000-12'

test.each(['global', 'priority', 'hot:song:psy'])('a token of the %s lane gives the write back', (lane) => {
  const token = tokens.sign({ topic, lane, entryId })
  expect(token).toMatch(/^[gph]1700000000000-12\.[\w-]{22}$/)
  expect(tokens.verify(topic, token)).toEqual({ lane, entryId })
})

test.each([
  ['of another topic', 'song:lmfao', (token: string) => token],
  ['with another entry', topic, (token: string) => token.replace('-12', '-13')],
  ['with another lane', topic, (token: string) => token.replace('g', 'p')],
  ['with another mac', topic, (token: string) => token.replace(/\..*/, `.${'A'.repeat(22)}`)],
  ['without a mac', topic, (token: string) => token.split('.')[0]!],
  ['with more behind it', topic, (token: string) => `${token}A`],
  ['that is empty', topic, () => ''],
  ['that is no token', topic, () => 'x'.repeat(100_000)],
])('a token %s is nothing', (_, asked, change) => {
  expect(tokens.verify(asked, change(tokens.sign({ topic, lane: 'global', entryId })))).toBeUndefined()
})

test('a token signed with another secret is nothing', () => {
  const forged = createWriteTokens('another').sign({ topic, lane: 'global', entryId })
  expect(tokens.verify(topic, forged)).toBeUndefined()
})
