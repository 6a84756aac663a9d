import { CommanderError } from 'commander'
import type { ErrorCode } from '../errors.ts'
import type { FailureKind } from './failures.ts'

const codes = { fine: 0, error: 1, condition: 2, usage: 64, unreachable: 69 } as const satisfies Record<FailureKind | 'fine', number>

/** What each refusal of the domain means to a shell. */
const kindOf: Record<ErrorCode, FailureKind> = {
  'invalid-input': 'usage',
  'malformed-json': 'usage',
  'idempotency-key-reused': 'error',
  'not-signed-in': 'error',
  'not-allowed': 'error',
  'not-the-author': 'error',
  'topic-not-allowed': 'usage',
  'not-found': 'error',
  'edit-window-over': 'error',
  'request-expired': 'unreachable',
  'too-many-requests': 'error',
  overloaded: 'unreachable',
  unavailable: 'unreachable',
}

/** By name: importing the classes would load the drivers for `--help`. */
const kindOfName: Record<string, FailureKind> = {
  ConfigError: 'usage',
  MaxRetriesPerRequestError: 'unreachable',
  MongoNetworkError: 'unreachable',
  MongoNetworkTimeoutError: 'unreachable',
  MongoServerSelectionError: 'unreachable',
  MongoOperationTimeoutError: 'unreachable',
}

/** The exit code of an error that a verb ended with, and the line a person sees; undefined where only the stack helps. */
export function exitOf(error: unknown): { code: number; line: string | undefined } {
  if (error instanceof CommanderError) return { code: error.exitCode === 0 ? codes.fine : codes.usage, line: '' }
  if (!(error instanceof Error)) return { code: codes.error, line: String(error) }
  const fields = error as { kind?: FailureKind; code?: string; details?: Record<string, unknown> }
  if (error.name === 'Failure') return { code: codes[fields.kind!], line: error.message }
  if (error.name === 'DomainError') {
    const issues = (fields.details?.['issues'] ?? []) as { message: string }[]
    return { code: codes[kindOf[fields.code as ErrorCode]], line: [error.message, ...issues.map(({ message }) => message)].join(': ') }
  }
  const kind = kindOfName[error.name] ?? (/^(Command timed out|Connection is closed)/.test(error.message) ? 'unreachable' : undefined)
  return { code: codes[kind ?? 'error'], line: bugs.has(error.name) ? undefined : error.message }
}

/** Their messages tell a person nothing. */
const bugs = new Set(['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError', 'AssertionError', 'ZodError'])

export const conditionFalse = codes.condition
