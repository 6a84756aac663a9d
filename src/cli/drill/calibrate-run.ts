import type { Capacity } from './rates.ts'
import type { Run } from './open-run.ts'
import { number } from './rows.ts'
import { untilCaughtUp } from './settle.ts'

/** What this machine bears, generator included: reads answered, and writes until every consumer was done with them. */
export async function measureCapacity(run: Run): Promise<Capacity> {
  const { generator, settings, progress } = run
  const ms = settings.calibrateMs
  await generator.ask('calibrate', { kind: 'writes', ms: ms / 4 }) // code that ran once runs as it will
  await generator.ask('calibrate', { kind: 'reads', ms: ms / 4 })
  await untilCaughtUp(run)
  const writes = await generator.ask('calibrate', { kind: 'writes', ms })
  const startedMs = performance.now()
  await untilCaughtUp(run, 'lanes')
  const consumedMs = run.stores ? performance.now() - startedMs : 0
  const reads = await generator.ask('calibrate', { kind: 'reads', ms })
  const capacity = {
    readsPerSecond: (reads.done / reads.tookMs) * 1_000,
    writesPerSecond: (writes.done / (writes.tookMs + consumedMs)) * 1_000,
  }
  progress.say(
    `this machine bears ${number(capacity.readsPerSecond)} reads/s or ${number(capacity.writesPerSecond)} writes/s, consumed and generated on it`,
  )
  return capacity
}
