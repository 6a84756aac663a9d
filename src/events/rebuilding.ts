import type { Redis } from 'ioredis'
import { groupInfos } from '../redis/info.ts'
import type { PartitionKeys } from '../redis/keys.ts'
import { laterEntry } from './position.ts'

/** From `later` to the last entry of `priority`, where all that is written again stands; nothing there: the models are whole. */
const markText = `if redis.call('GET', KEYS[3]) ~= ARGV[1] then return redis.error_reply('LEASE lost') end
  if redis.call('GET', KEYS[1]) ~= 'later' then return end
  local info, last = redis.call('XINFO', 'STREAM', KEYS[2]), '0-0'
  for i = 1, #info, 2 do if info[i] == 'last-generated-id' then last = info[i + 1] end end
  if last == '0-0' then redis.call('DEL', KEYS[1]) else redis.call('SET', KEYS[1], last) end`

/** Once MongoDB was asked: until where the models of an emptied server must read, by who holds the lease. */
export async function markRebuilding(redis: Redis, partition: PartitionKeys, token: string): Promise<void> {
  await redis.eval(markText, 3, partition.rebuilding, partition.lane('priority'), partition.lease, token)
}

/** Whether the Redis models have read all that was written again to an emptied server; if so they are served from then on. */
export async function finishRebuilding(redis: Redis, partition: PartitionKeys): Promise<boolean> {
  const until = await redis.get(partition.rebuilding)
  if (!until || until === 'later') return until === null
  for (const { name, pending, 'last-delivered-id': delivered } of await groupInfos(redis, partition.lane('priority'))) {
    if (name === 'store') continue
    if (laterEntry(String(delivered), until) !== String(delivered)) return false
    const [, oldest] =
      Number(pending) > 0 ? ((await redis.xpending(partition.lane('priority'), String(name))) as [number, string | null]) : []
    if (oldest && laterEntry(until, oldest) === until) return false
  }
  // Unless the server was emptied once more meanwhile.
  await redis.eval(`if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end`, 1, partition.rebuilding, until)
  return true
}
