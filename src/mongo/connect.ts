import { MongoClient, MongoNetworkError, MongoServerError, MongoServerSelectionError, MongoWriteConcernError, type Db } from 'mongodb'

/** Longest wait of a read that a person waits for, ms. */
export const readTimeoutMs = 1_000
/** Longest wait for a majority-journaled write, ms; it is repeated, never skipped. */
export const writeTimeoutMs = 10_000

export type MongoConnection = { db: Db; close(): Promise<void> }

/** One client pool. It connects on first use, so that a process starts while MongoDB is away. */
export function connectMongo(
  url: string,
  { poolSize, purpose, database = 'ovation' }: { poolSize: number; purpose: 'read' | 'write'; database?: string },
): MongoConnection {
  const timeoutMs = purpose === 'read' ? readTimeoutMs : writeTimeoutMs
  const client = new MongoClient(url, {
    appName: `ovation-${purpose}`,
    maxPoolSize: poolSize,
    serverSelectionTimeoutMS: timeoutMs,
    connectTimeoutMS: 2_000,
    socketTimeoutMS: timeoutMs, // the driver's timeoutMS has no effect since 7.9
    waitQueueTimeoutMS: timeoutMs,
    retryWrites: false, // ours are repeated by the consumers; a standalone server refuses the driver's
    retryReads: purpose !== 'read',
    ...(purpose === 'write' ? { writeConcern: { w: 'majority', journal: true, wtimeoutMS: timeoutMs - 1_000 } } : {}),
  })
  return { db: client.db(/^\w[\w+]*:\/\/[^/]+\/([^?]+)/.exec(url)?.[1] ?? database), close: () => client.close() }
}

const transientCodes = new Set([64, 89, 91, 112, 189, 262, 9001, 10107, 11600, 11602, 13435, 13436, 14031, 50])

/** MongoDB is away, stepping down or slow: the same operation will succeed later. 14031: its disk is full. */
export const isTransientMongoError = (error: unknown): boolean =>
  error instanceof MongoNetworkError ||
  error instanceof MongoServerSelectionError ||
  error instanceof MongoWriteConcernError ||
  (error instanceof MongoServerError && (transientCodes.has(Number(error.code)) || error.hasErrorLabel('RetryableWriteError'))) ||
  (error instanceof Error && /pool.*(cleared|closed)|topology (is )?closed|not connected|timed out/i.test(error.message))
