import { readLag } from '../consumers/lag.ts'
import type { StoresConfig } from '../config.ts'
import { connectRedis } from '../redis/connect.ts'
import { createKeys } from '../redis/keys.ts'
import type { Logger } from 'pino'

/** Ten seconds of the highest rate: above it a page shows what is long past. */
const maxLagEvents = 50_000

/** The consumers' part of `/readyz`: whether every group's lag is known and bounded. */
export function createLagCheck({ redisUrl, keyPrefix, partitions }: StoresConfig, log: Logger) {
  const redis = connectRedis(redisUrl, 'read', log)
  const keys = createKeys(keyPrefix, partitions)
  return {
    name: 'lag',
    async check() {
      const rows = await readLag(redis, keys)
      const ok = rows.every(({ lagEvents }) => lagEvents !== null && lagEvents <= maxLagEvents)
      return { ok, detail: Object.fromEntries(rows.map(({ group, lane, lagEvents }) => [`${group} ${lane}`, lagEvents])) }
    },
    stop: () => redis.disconnect(),
  }
}
