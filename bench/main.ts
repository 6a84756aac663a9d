import { accept } from './accept.ts'
import { costOfAComment } from './cost.ts'
import { type Bench, type Row, withServers } from './harness.ts'
import { projectNumbers, projectStore } from './project.ts'

// npm run bench [-- question ...]: one table with target and verdict; exits 2 when a target is missed.
const questions: Record<string, (bench: Bench) => Promise<Row[]>> = {
  accept,
  store: projectStore,
  numbers: projectNumbers,
  cost: costOfAComment,
}
const wanted = process.argv.slice(2)
const rows: Row[] = []
for (const [name, ask] of Object.entries(questions)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stderr.write(`measuring ${name} …\n`)
  rows.push(...(await withServers(ask)))
}
const columns = ['question', 'ours', 'floor', 'ratio', 'target', 'verdict', 'note'] as const
const widths = columns.map((column) => Math.max(column.length, ...rows.map((row) => row[column].length)))
const line = (cells: readonly string[]) =>
  console.log(
    cells
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join('  ')
      .trimEnd(),
  )
line(columns)
for (const row of rows) line(columns.map((column) => row[column]))
if (rows.some(({ verdict }) => verdict !== 'ok' && verdict !== '')) process.exitCode = 2
