import type { Redis } from 'ioredis'

/** What the server's configuration would lose, in sentences; empty when it keeps every acknowledged write. */
export async function durabilityWarnings(redis: Redis): Promise<string[]> {
  const read = async (name: string) => (await redis.config('GET', name))[1]
  try {
    const [appendonly, appendfsync, policy] = [await read('appendonly'), await read('appendfsync'), await read('maxmemory-policy')]
    return [
      appendonly === 'yes' ? '' : `appendonly is ${appendonly}: a restart of Redis loses accepted writes; set appendonly yes`,
      appendfsync === 'always' ? '' : `appendfsync is ${appendfsync}: a crash loses the last accepted writes; set appendfsync always`,
      policy === 'noeviction' ? '' : `maxmemory-policy is ${policy}: Redis would drop parts of the log; set maxmemory-policy noeviction`,
    ].filter(Boolean)
  } catch {
    return [
      'the configuration of Redis cannot be read (CONFIG is refused): check appendonly yes, appendfsync always, maxmemory-policy noeviction',
    ]
  }
}

/** The number of partitions is decided once: topics would move otherwise. Resolves with a fault to print, or undefined. */
export async function partitionsFault(
  redis: Redis,
  prefix: string,
  partitions: number,
  { isRecording = true } = {},
): Promise<string | undefined> {
  const key = `${prefix}partitions`
  // Read first: a server that is full refuses to write even what it has.
  const before = await redis.get(key)
  if (before === null && !isRecording) return undefined
  const recorded = Number(before ?? ((await redis.setnx(key, partitions)) ? partitions : await redis.get(key)))
  return recorded === partitions
    ? undefined
    : `PARTITIONS is ${partitions}, this deployment was started with ${recorded}: set PARTITIONS=${recorded}`
}
