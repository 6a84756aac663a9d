import { CommanderError } from 'commander'
import { MongoServerSelectionError, MongoOperationTimeoutError } from 'mongodb'
import { expect, test } from 'vitest'
import { ConfigError } from '../config.ts'
import { DomainError } from '../errors.ts'
import { exitOf } from './exit-codes.ts'
import { Failure } from './failures.ts'

test.each([
  ['help', new CommanderError(0, 'commander.helpDisplayed', 'help'), 0],
  ['an unknown option', new CommanderError(1, 'commander.unknownOption', 'no'), 64],
  ['an error', new Failure('error', 'no'), 1],
  ['a false condition', new Failure('condition', 'no'), 2],
  ['wrong use', new Failure('usage', 'no'), 64],
  ['no server', new Failure('unreachable', 'no'), 69],
  ['a refusal', new DomainError('not-found', 'no'), 1],
  ['wrong input', new DomainError('invalid-input', 'no'), 64],
  ['a log that does not answer', new DomainError('unavailable', 'no'), 69],
  ['a log that takes nothing now', new DomainError('overloaded', 'no'), 69],
  ['too many at once', new DomainError('too-many-requests', 'no'), 1],
  ['a wrong environment', new ConfigError(['PORT: no']), 64],
  ['MongoDB away', new MongoServerSelectionError('no', {} as never), 69],
  ['MongoDB slow', new MongoOperationTimeoutError('no'), 69],
  ['Redis slow', new Error('Command timed out'), 69],
  ['another error', new Error('no'), 1],
  ['what is no error', 'no', 1],
])('%s', (_, error, code) => expect(exitOf(error).code).toBe(code))

test('a person sees one line, also of what was wrong in it; of a bug the stack', () => {
  expect(exitOf(new DomainError('invalid-input', 'not a topic', { issues: [{ path: 'topic', message: 'too long' }] })).line).toBe(
    'not a topic: too long',
  )
  expect(exitOf(new TypeError('x is not a function'))).toEqual({ code: 1, line: undefined })
})
