import type { Redis } from 'ioredis'
import type { PartitionKeys } from '../redis/keys.ts'
import { luaFile } from '../redis/script.ts'

const park = luaFile(import.meta.url, '../redis/park.lua')

type Run = (keys: readonly string[], args: readonly (string | number)[]) => Promise<void>

/** An effect script: acknowledges each entry, applies it if it was not acknowledged before, parks it if that fails. */
export function defineEffect(redis: Redis, name: string, text: string): Run {
  redis.defineCommand(name, { lua: `${park}\n${text}` })
  const command = (redis as unknown as Record<string, (...args: unknown[]) => Promise<unknown>>)[name]!
  return async (keys, args) => void (await command.call(redis, keys.length, ...keys, ...args))
}

/** The declared keys of one script call: the four that every effect has, then each model key once, by its index in KEYS. */
export function keyList({ lane: laneKey, dead, meta }: PartitionKeys, lane: string, group: string, fourth: string) {
  const all = [laneKey(lane), dead(group), meta, fourth]
  const indexes = new Map<string, number>()
  return {
    all,
    index(...keys: string[]): number {
      const known = indexes.get(keys[0]!)
      if (known !== undefined) return known
      const index = all.push(...keys) - keys.length + 1
      indexes.set(keys[0]!, index)
      return index
    },
  }
}
