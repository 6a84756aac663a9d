/** Share of maxmemory from which on memory is short: the first class of writes is refused, and no stream is kept that only waits. */
export const shortOfMemory = 0.75

/** Used share of maxmemory, 0 without a limit. As Redis compares: without what it holds for replicas and for the append-only file. */
export function memoryIn(info: string): number {
  const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const limit = of('maxmemory')
  return limit === 0 ? 0 : (of('used_memory') - of('mem_not_counted_for_evict')) / limit
}
