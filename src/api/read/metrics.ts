import { Counter, Gauge, type Registry } from 'prom-client'
import type { MongoGuard } from './mongo-guard.ts'
import { type CacheStats, results } from './page-cache.ts'

type Sources = { stats: CacheStats; countHotspots(): number }

/** How far the reads of MongoDB of this process fill their bulkheads: a sum over `of` is the whole process. */
export function exportGuardMetrics(registry: Registry, guards: Readonly<Record<string, MongoGuard>>): void {
  const each = (name: string, help: string, read: (guard: MongoGuard) => number) =>
    void new Gauge({
      name,
      help,
      labelNames: ['of'],
      registers: [registry],
      collect() {
        for (const [of, guard] of Object.entries(guards)) this.set({ of }, read(guard))
      },
    })
  each('ovation_mongo_reads_in_flight', 'Reads of MongoDB under way', (guard) => guard.inFlight().now)
  each('ovation_mongo_reads_in_flight_max', 'Most reads of MongoDB under way at once since the start', (guard) => guard.inFlight().peak)
  each('ovation_mongo_reads_limit', 'Reads of MongoDB that may be under way at once', (guard) => guard.inFlight().limit)
}

/** Numbers of the read path, read when somebody asks for them. */
export function exportReadMetrics(registry: Registry, { stats, countHotspots }: Sources): void {
  void new Gauge({
    name: 'ovation_hotspots',
    help: 'Topics that are hotspots now',
    registers: [registry],
    collect() {
      this.set(countHotspots())
    },
  })
  const told = Object.fromEntries(results.map((result) => [result, 0])) as CacheStats
  void new Counter({
    name: 'ovation_page_cache_total',
    help: 'Answers of the page cache by how they were come by, those included that renew one while it is shown',
    labelNames: ['result'],
    registers: [registry],
    collect() {
      for (const result of results) {
        this.inc({ result }, stats[result] - told[result])
        told[result] = stats[result]
      }
    },
  })
}
