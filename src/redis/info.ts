import type { Redis } from 'ioredis'

export type Info = Record<string, string | number | null>

/** A flat reply of XINFO, `name value name value`, by name. */
export function infoOf(flat: unknown): Info {
  const list = flat as (string | number | null)[]
  return Object.fromEntries(list.flatMap((value, i) => (i % 2 === 0 ? [[String(value), list[i + 1] ?? null]] : [])))
}

export const infosOf = (replies: unknown): Info[] => (replies as unknown[]).map(infoOf)

/** The groups of a stream. Rejects where there is no stream. */
export const groupInfos = async (redis: Redis, stream: string): Promise<Info[]> => infosOf(await redis.xinfo('GROUPS', stream))

/** The consumers of a group. Rejects where there is no group. */
export const consumerInfos = async (redis: Redis, stream: string, group: string): Promise<Info[]> =>
  infosOf(await redis.xinfo('CONSUMERS', stream, group))
