import type { Redis } from 'ioredis'
import { luaFile } from '../../redis/script.ts'

type Run = (keys: readonly string[], args: readonly (string | number)[]) => Promise<unknown>

/** A script that reads Redis models: whole.lua, which each asks first, and the files named. */
export function defineModelScript(redis: Redis, name: string, files: readonly string[]): Run {
  const lua = ['whole.lua', ...files].map((file) => luaFile(import.meta.url, file)).join('')
  redis.defineCommand(name, { lua, readOnly: true })
  const command = (redis as unknown as Record<string, (...args: (string | number)[]) => Promise<unknown>>)[name]!
  return (keys, args) => command.call(redis, keys.length, ...keys, ...args)
}
