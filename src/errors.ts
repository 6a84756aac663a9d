export type ErrorCode =
  | 'invalid-input'
  | 'malformed-json'
  | 'idempotency-key-reused'
  | 'not-signed-in'
  | 'not-allowed'
  | 'not-the-author'
  | 'topic-not-allowed'
  | 'not-found'
  | 'edit-window-over'
  | 'request-expired'
  | 'too-many-requests'
  | 'overloaded'
  | 'unavailable'

/** A refusal the caller can act on. `details` are public; what is private goes into `cause`. */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ErrorCode
  readonly details: Record<string, unknown>
  /** When the same request may succeed, from now on; where it is known. */
  readonly retryAfterMs: number | undefined
  constructor(
    code: ErrorCode,
    message: string,
    details: Record<string, unknown> = {},
    { retryAfterMs, ...options }: ErrorOptions & { retryAfterMs?: number } = {},
  ) {
    super(message, options)
    this.code = code
    this.details = details
    this.retryAfterMs = retryAfterMs
  }
}
