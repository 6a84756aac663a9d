import { accept } from './accept.ts'
import { artist } from './artist.ts'
import { costOfAComment } from './cost.ts'
import { deepList } from './deep-list.ts'
import { type Bench, type Row, withServers } from './harness.ts'
import { hotList } from './hot-list.ts'
import { isolation } from './isolation.ts'
import { projectNumbers, projectStore } from './project.ts'
import { promotion } from './promotion.ts'
import { visibility } from './visibility.ts'

// npm run bench [-- --short] [-- question ...]: one table with target and verdict; exits 2 when a target is missed. `--short` shows that the
// questions of reading run, with so few samples that the figures mean nothing.
const questions: Record<string, (bench: Bench) => Promise<Row[]>> = {
  accept,
  store: projectStore,
  numbers: projectNumbers,
  cost: costOfAComment,
  'hot-list': hotList,
  'deep-list': deepList,
  visibility,
  isolation,
  artist,
  promotion,
}
const isShort = process.argv.includes('--short')
const wanted = process.argv.slice(2).filter((argument) => argument !== '--short')
const unknown = wanted.filter((name) => !(name in questions))
if (unknown.length > 0) {
  console.error(`no such question: ${unknown.join(', ')}; there are ${Object.keys(questions).join(', ')}`)
  process.exit(64)
}
const rows: Row[] = []
for (const [name, ask] of Object.entries(questions)) {
  if (wanted.length > 0 && !wanted.includes(name)) continue
  process.stderr.write(`measuring ${name} …\n`)
  rows.push(...(await withServers(ask, isShort)))
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
