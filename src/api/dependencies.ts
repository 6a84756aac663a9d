import type { MiddlewareHandler } from 'hono'
import type { AppendToLog } from '../events/append.ts'
import type { AppEnv } from './app.ts'
import type { Admit } from './limits/admit.ts'
import type { ReadSide } from './read/create-read-side.ts'
import type { CommentReader } from './read/read-comments.ts'
import type { WriteTokens } from './write-token.ts'

/** What the write calls need. */
export type CommandDependencies = {
  append: AppendToLog
  tokens: WriteTokens
  reader: CommentReader
  authenticate: MiddlewareHandler<AppEnv>
  admit: Admit
  editWindowMs: number
}

/** What the read calls need. */
export type QueryDependencies = Omit<ReadSide, 'stop'> & { authenticate: MiddlewareHandler<AppEnv> }
