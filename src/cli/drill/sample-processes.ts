import { readFileSync } from 'node:fs'

/** Resident memory of a process, bytes; undefined where it cannot be told (it is gone, or this is not Linux). */
export function residentBytes(pid: number | undefined): number | undefined {
  const kB = pid === undefined ? undefined : /VmRSS:\s+(\d+)/.exec(statusOf(pid))?.[1]
  return kB === undefined ? undefined : Number(kB) * 1_024
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8')
  } catch {
    return ''
  }
}

export type BulkheadReading = { process: string; mostInFlight: number | undefined; limit: number | undefined; fault?: string }

/** What a process tells on its OPS_PORT about its reads of MongoDB. */
export async function readBulkhead(process: string, opsUrl: string): Promise<BulkheadReading> {
  try {
    const response = await fetch(`${opsUrl}/metrics`, { signal: AbortSignal.timeout(3_000) })
    const text = await response.text()
    return { process, mostInFlight: valueOf(text, 'ovation_mongo_reads_in_flight_max'), limit: valueOf(text, 'ovation_mongo_reads_limit') }
  } catch (error) {
    return { process, mostInFlight: undefined, limit: undefined, fault: (error as Error).message }
  }
}

/** The sum over the labels of a metric; undefined where it is not told. */
function valueOf(text: string, name: string): number | undefined {
  const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? ([\\d.e+-]+)`, 'gm'))].map(([, value]) => Number(value))
  return values.length === 0 ? undefined : values.reduce((a, b) => a + b, 0)
}
