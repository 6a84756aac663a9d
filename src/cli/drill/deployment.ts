import type { Stores } from './messages.ts'

/** A process of the product that the drill started. */
export type ProductProcess = {
  name: string
  pid(): number | undefined
  freeze(): void
  thaw(): void
  stop(): Promise<void>
  /** The end of its log. */
  logTail(): string
}

/** What is drilled. What is undefined cannot be looked at, and its rows say so. */
export type Deployment = {
  url: string
  writeUrl: string
  jwt: { secret: string; issuer?: string; audience?: string }
  stores: Stores | undefined
  /** With the processes that serve the hot lane among them. */
  own:
    | {
        processes: readonly ProductProcess[]
        hot: readonly ProductProcess[]
        opsUrls: Record<string, string>
      }
    | undefined
  stop(): Promise<void>
}
