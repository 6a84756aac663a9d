import { Counter, Gauge, type Registry } from 'prom-client'
import type { MongoGuard } from './mongo-guard.ts'
import { type CacheStats, results } from './page-cache.ts'

type Sources = { guard: MongoGuard; stats: CacheStats; countHotspots(): number }

function gauge(registry: Registry, name: string, help: string, read: () => number): void {
  void new Gauge({
    name,
    help,
    registers: [registry],
    collect() {
      this.set(read())
    },
  })
}

/** How far the reads of MongoDB of this process fill their bulkhead. */
export function exportGuardMetrics(registry: Registry, guard: MongoGuard): void {
  gauge(registry, 'ovation_mongo_reads_in_flight', 'Reads of MongoDB under way', () => guard.inFlight().now)
  gauge(
    registry,
    'ovation_mongo_reads_in_flight_max',
    'Most reads of MongoDB under way at once since the start',
    () => guard.inFlight().peak,
  )
  gauge(registry, 'ovation_mongo_reads_limit', 'Reads of MongoDB that may be under way at once', () => guard.inFlight().limit)
}

/** Numbers of the read path, read when somebody asks for them. */
export function exportReadMetrics(registry: Registry, { guard, stats, countHotspots }: Sources): void {
  exportGuardMetrics(registry, guard)
  gauge(registry, 'ovation_hotspots', 'Topics that are hotspots now', countHotspots)
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
