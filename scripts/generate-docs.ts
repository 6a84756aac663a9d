// npm run docs: writes docs/reference/*.md from the code. npm run docs:check: exit 1 and the first line that differs where one of them drifted.
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { apiPage, readOpenApi } from './docs/api-page.ts'
import { cliPage } from './docs/cli-page.ts'
import { configPage } from './docs/config-page.ts'

const folder = path.resolve(import.meta.dirname, '../docs/reference')

/** What the folder should hold: name to text. */
export async function referencePages(): Promise<Record<string, string>> {
  return { 'api.md': apiPage(readOpenApi()), 'cli.md': cliPage(), 'config.md': configPage() }
}

/** A line for each page that is not what the code says. */
export function driftOf(pages: Record<string, string>, dir: string = folder): string[] {
  return Object.entries(pages).flatMap(([name, wanted]) => {
    const found = textOf(path.join(dir, name))
    if (found === wanted) return []
    const [is, should] = [found?.split('\n') ?? [], wanted.split('\n')]
    const at = should.findIndex((line, i) => line !== is[i])
    const line = at === -1 ? should.length : at
    return [`docs/reference/${name}:${line + 1} is ${JSON.stringify(is[line] ?? '')}, the code says ${JSON.stringify(should[line] ?? '')}`]
  })
}

function textOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

if (process.argv[1] === import.meta.filename) {
  const pages = await referencePages()
  if (process.argv.includes('--check')) {
    const drift = driftOf(pages)
    for (const line of drift) console.error(line)
    if (drift.length > 0) {
      console.error('npm run docs writes them anew')
      process.exitCode = 1
    }
  } else {
    for (const [name, text] of Object.entries(pages)) writeFileSync(path.join(folder, name), text)
  }
}
