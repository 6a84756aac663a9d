import { type Db, MongoBulkWriteError, MongoClient, MongoError, MongoInvalidArgumentError, MongoServerError } from 'mongodb'

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
  return { db: client.db(/^\w[\w+]*:\/\/[^/]+\/([^?]+)/.exec(url)?.[1] ?? database), close: keepConnecting(client) }
}

/** Pause between two first connections, ms. */
const reconnectMs = 250

/**
 * When a client's first connection fails, the driver (7.9) closes its topology and keeps it: every later operation is answered `Topology is
 * closed`, for ever. Only `connect()` makes another topology, so it is called until one was reached. Resolves with what closes the client.
 */
function keepConnecting(client: MongoClient): () => Promise<void> {
  let isClosing = false
  let timer: NodeJS.Timeout | undefined
  const connectLater = () => {
    clearTimeout(timer)
    if (!isClosing) timer = setTimeout(() => void client.connect().catch(connectLater), reconnectMs)
  }
  client.on('topologyClosed', connectLater)
  return () => {
    isClosing = true
    clearTimeout(timer)
    return client.close()
  }
}

/**
 * Whether the same operation can succeed later: everything but a fault of the documents themselves. A wrong password, a full disk or an error
 * nobody foresaw is a fault of the whole server, to be waited for and mended, never a reason to give an event up.
 */
export const isTransientMongoError = (error: unknown): boolean =>
  error instanceof MongoBulkWriteError
    ? ![error.writeErrors].flat().some(({ code }) => documentFaults.has(code))
    : error instanceof MongoServerError
      ? !documentFaults.has(Number(error.code))
      : error instanceof MongoError
        ? !(error instanceof MongoInvalidArgumentError)
        : error instanceof Error && /timed out|topology (is )?closed|not connected/i.test(error.message)

/** A taken key, BSONObjectTooLarge, a key that is too long, a document that fails validation, a field name that is not possible. */
const documentFaults = new Set([11_000, 10_334, 17_280, 17_282, 121, 52, 56])
