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
  | 'unavailable'

/** A refusal the caller can act on. `details` are public; what is private goes into `cause`. */
export class DomainError extends Error {
  override readonly name = 'DomainError'
  readonly code: ErrorCode
  readonly details: Record<string, unknown>
  constructor(code: ErrorCode, message: string, details: Record<string, unknown> = {}, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.details = details
  }
}
