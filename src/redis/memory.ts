/** As Redis itself compares: without what it holds for replicas and for the append-only file. */
export function memoryIn(info: string): number {
  const of = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0)
  const limit = of('maxmemory')
  return limit === 0 ? 0 : (of('used_memory') - of('mem_not_counted_for_evict')) / limit
}
