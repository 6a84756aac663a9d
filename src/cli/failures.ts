/** What the exit codes tell apart. `condition`: the command worked and what it asked about is not so. */
export type FailureKind = 'error' | 'condition' | 'usage' | 'unreachable'

/** Ends a verb with one line for a person. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly kind: FailureKind
  constructor(kind: FailureKind, message: string, options?: ErrorOptions) {
    super(message, options)
    this.kind = kind
  }
}

export const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : JSON.stringify(error))
