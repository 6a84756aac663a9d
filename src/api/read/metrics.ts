import { Counter, Gauge, type Registry } from 'prom-client'
import type { MongoGuard } from './mongo-guard.ts'
import { type CacheStats, results } from './page-cache.ts'

type Sources = { guard: MongoGuard; stats: CacheStats; countHotspots(): number }

/** Numbers of the read path, read when somebody asks for them. */
export function exportReadMetrics(registry: Registry, { guard, stats, countHotspots }: Sources): void {
  const gauge = (name: string, help: string, read: () => number) =>
    void new Gauge({
      name,
      help,
      registers: [registry],
      collect() {
        this.set(read())
      },
    })
  gauge('ovation_mongo_reads_in_flight', 'Reads of MongoDB under way', () => guard.inFlight().now)
  gauge('ovation_mongo_reads_in_flight_max', 'Most reads of MongoDB under way at once since the start', () => guard.inFlight().peak)
  gauge('ovation_mongo_reads_limit', 'Reads of MongoDB that may be under way at once', () => guard.inFlight().limit)
  gauge('ovation_hotspots', 'Topics that are hotspots now', countHotspots)
  const told = Object.fromEntries(results.map((result) => [result, 0])) as CacheStats
  void new Counter({
    name: 'ovation_page_cache_total',
    help: 'Reads by how their answer was come by',
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
