import { Redis, type RedisOptions } from 'ioredis'
import type { Logger } from 'pino'

/** What a connection is for decides what it may wait for. */
export type Purpose =
  /** Answers within `commandTimeoutMs` or rejects; commands of one tick travel together. */
  | 'request'
  /** A read that has a fallback: rejects at once while the server is away and soon when it hangs. */
  | 'read'
  /** A consumer's own: waits for the server however long it is away, and may block. */
  | 'consumer'

/** Longest wait for the answer to a request, ms: below half of the shortest idempotency window, since a resent command may run later. */
export const commandTimeoutMs = 2_000

/**
 * `socketTimeout`: silence after which a connection is taken for dead and made again. The machine behind it may be gone without a word, and the
 * kernel would wait for it for a quarter of an hour.
 */
const waits = {
  request: { commandTimeout: commandTimeoutMs, socketTimeout: commandTimeoutMs + 500, enableAutoPipelining: true },
  read: {
    commandTimeout: 500,
    socketTimeout: 1_500,
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    autoResendUnfulfilledCommands: false,
  },
  consumer: { socketTimeout: 5_000 }, // blocks for 1 s at most
} satisfies Record<Purpose, RedisOptions>

export function connectRedis(url: string, purpose: Purpose, log: Logger): Redis {
  const redis = new Redis(url, {
    protocol: 2, // XREADGROUP answers with a map in RESP3, flattened by ioredis 6; nothing here needs RESP3
    connectTimeout: 2_000,
    maxRetriesPerRequest: null,
    retryStrategy: (attempt) => Math.min(1_000, 25 * 2 ** Math.min(attempt, 6)) * (0.5 + Math.random() / 2),
    connectionName: `ovation-${purpose}`,
    ...waits[purpose],
  })
  redis.on('error', (error) => log.debug({ reason: error.message }, 'redis connection error'))
  redis.on('close', () => log.debug('redis connection closed'))
  redis.on('ready', () => log.debug('redis connection ready'))
  return redis
}

/** A state of the server that ends by itself or by its operator; the command was refused and is worth repeating. */
export const isTransientRedisError = (error: unknown): boolean =>
  error instanceof Error &&
  /^(LOADING|BUSY|READONLY|NOREPLICAS|MISCONF|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|OOM|UNBLOCKED)\b|Command timed out|Connection is closed/.test(
    error.message,
  )
