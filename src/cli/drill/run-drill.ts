import { randomBytes } from 'node:crypto'
import { closeSync, openSync, writeFileSync } from 'node:fs'
import { conditionFalse } from '../exit-codes.ts'
import { Failure, reasonOf } from '../failures.ts'
import { type Column, tableOf } from '../table.ts'
import { stopSignal } from '../until-stopped.ts'
import { type GivenTarget, openGivenDeployment } from './given-deployment.ts'
import { openRun } from './open-run.ts'
import { startOwnDeployment } from './own-deployment.ts'
import type { Plant } from './plants.ts'
import { createProgress } from './progress.ts'
import { reportPage } from './report/report-page.ts'
import { type Row, isFine, verdictOf } from './rows.ts'
import { runLanding } from './run-landing.ts'
import { runSoak } from './run-soak.ts'
import { settingsOf } from './settings.ts'

export type DrillOptions = {
  kind: 'landing' | 'soak'
  target: GivenTarget | undefined
  isShort: boolean
  topics: number
  backlog: number | undefined
  soakMs: number
  json: boolean
  report: string | undefined
  plant: Plant | undefined
}

const columns: readonly Column<Row>[] = [
  { head: 'CHECK', value: ({ check }) => check },
  { head: 'MEASURED', value: ({ measured }) => measured },
  { head: 'TARGET', value: ({ target }) => target },
  { head: 'VERDICT', value: ({ verdict }) => verdict },
]

/** One drill, from starting what is drilled to the table. Sets the exit code: 2 where a row failed. */
export async function runDrill({ kind, target, isShort, topics, backlog, soakMs, json, report, plant }: DrillOptions): Promise<void> {
  const settings = settingsOf({
    kind,
    isShort,
    isPlanted: plant !== undefined,
    topics,
    backlog,
    soakMs,
    runId: randomBytes(3).toString('hex'),
  })
  if (report) writing(report, () => closeSync(openSync(report, 'a'))) // known now, not after minutes
  const progress = createProgress()
  const stopping = new AbortController()
  void stopSignal(() => {
    progress.say('stopping what was started')
    stopping.abort()
  })
  const { signal } = stopping
  const stopped = new Promise<never>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)))
  stopped.catch(() => {}) // for who races with it
  const stops: (() => Promise<void>)[] = []
  const startedAt = new Date()
  try {
    progress.say(target ? `the deployment at ${target.url}` : 'starting Redis, MongoDB, two APIs and consumers in a folder of their own')
    const deployment = target
      ? await openGivenDeployment(target)
      : await startOwnDeployment({ coolDownMs: settings.coolDownMs, plant, say: progress.say, signal })
    stops.push(deployment.stop)
    const run = await openRun({ settings, deployment, progress, signal })
    stops.push(run.close)
    const { rows, driven } = await Promise.race([kind === 'landing' ? runLanding(run) : runSoak(run), run.generatorEnded, stopped])
    progress.end()
    const { totals } = run.recorder
    const limits = `the generator sent requests up to ${Math.round(totals.lateMs)} ms late and left out ${totals.notDriven}`
    if (json) console.log(JSON.stringify({ drill: kind, startedAt, ok: rows.every(isFine), driven, rows, totals }))
    else console.log(textOf(rows, [...driven, limits]))
    if (!rows.every(isFine)) process.exitCode = conditionFalse
    const page = reportPage({ kind, rows, driven: [...driven, limits], recorder: run.recorder, startedAt })
    if (report) writing(report, () => writeFileSync(report, page))
  } catch (error) {
    if (!signal.aborted) throw error
    process.exitCode = 130
  } finally {
    progress.end()
    stopping.abort() // what a run that failed still waits for
    for (const stop of stops.reverse()) await stop()
  }
}

function writing(report: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    throw new Failure('error', `the report ${report} cannot be written: ${reasonOf(error)}`, { cause: error })
  }
}

function textOf(rows: readonly Row[], driven: readonly string[]): string {
  const notes = rows.flatMap(({ check, note }) => (note ? [`  ${check}: ${note}`] : []))
  return ['', ...driven, '', tableOf(columns, rows), '', ...notes, '', verdictOf(rows)].join('\n')
}
