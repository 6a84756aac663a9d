import type { MiddlewareHandler } from 'hono'
import type { Redis } from 'ioredis'
import type { AppendToLog } from '../events/append.ts'
import type { Collections } from '../mongo/collections.ts'
import type { Keys } from '../redis/keys.ts'
import type { AppEnv } from './app.ts'
import type { CommentReader } from './read/read-comments.ts'
import type { ReadOwnWrite } from './read/own-write.ts'
import type { WriteTokens } from './write-token.ts'

/** What the write calls need. */
export type CommandDependencies = {
  append: AppendToLog
  tokens: WriteTokens
  reader: CommentReader
  authenticate: MiddlewareHandler<AppEnv>
  editWindowMs: number
}

/** What the read calls need. `redis` rejects at once while Redis is away. */
export type QueryDependencies = {
  redis: Redis
  keys: Keys
  collections: Collections
  reader: CommentReader
  readOwnWrite: ReadOwnWrite
  authenticate: MiddlewareHandler<AppEnv>
}
