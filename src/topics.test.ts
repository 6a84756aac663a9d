import { describe, expect, test } from 'vitest'
import { createTopicPolicy, isTopicId, matchesGlob } from './topics.ts'

describe('a topic id', () => {
  test.each(['song:9bZkp7q19f0', 'a', '0', 'A.b_c~d-e:f', 'x'.repeat(128)])('%s is one', (topic) => expect(isTopicId(topic)).toBe(true))
  test.each(['', ':a', '-a', 'a b', 'a/b', 'a\n', 'ä', 'a{b}', 'a*', 'x'.repeat(129)])('%j is none', (topic) =>
    expect(isTopicId(topic)).toBe(false),
  )
})

describe('a glob', () => {
  test.each([
    ['*', 'anything', true],
    ['song:*', 'song:psy', true],
    ['song:*', 'song:', true],
    ['song:*', 'album:psy', false],
    ['*:psy', 'song:psy', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'abc', true],
    ['a*b*c', 'a-c-b', false],
    ['a*bc', 'abcbc', true],
    ['ab*ba', 'aba', false],
    ['*a*a*', 'a', false],
    ['*ab*b', 'ab', false],
    ['a**c', 'abc', true],
    ['song', 'song:psy', false],
    ['s.ng', 'song', false],
    ['[a-z]*', 'song', false],
  ])('%s against %s: %s', (glob, topic, expected) => expect(matchesGlob(glob, topic)).toBe(expected))

  test('of many stars answers at once', () => {
    const begin = performance.now()
    for (let i = 0; i < 100; i++) matchesGlob('*a'.repeat(63) + '*b', 'a'.repeat(128))
    expect(performance.now() - begin).toBeLessThan(100)
  })
})

describe('the topic policy', () => {
  const policy = createTopicPolicy(['song:*', 'album:1'])
  const refusalOf = (topic: string) => {
    try {
      policy.requireAllowed(topic)
      return undefined
    } catch (error) {
      return (error as { code?: string }).code
    }
  }
  test('lets what its globs name', () => expect(['song:psy', 'album:1'].map(refusalOf)).toEqual([undefined, undefined]))
  test('refuses the rest', () => expect(['album:2', 'video'].map(refusalOf)).toEqual(['topic-not-allowed', 'topic-not-allowed']))
  test('tells what is no topic id', () => expect(['a b', ''].map(refusalOf)).toEqual(['invalid-input', 'invalid-input']))
  test('keeps our own topics to us, whatever the globs say', () => {
    expect(createTopicPolicy(['*']).isAllowed('ovation:site')).toBe(false)
    expect(createTopicPolicy(['*', 'ovation:site']).isAllowed('ovation:site')).toBe(false)
  })
})
