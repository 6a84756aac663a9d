import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = path.resolve(import.meta.dirname, '../scripts/test-totals.js')
let folder: string

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'ovation-totals-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function totals(report: unknown, exitCode: number) {
  const file = path.join(folder, 'tests.json')
  if (report !== undefined) writeFileSync(file, JSON.stringify(report))
  const { status, stdout } = spawnSync(process.execPath, [script, file, String(exitCode)], { encoding: 'utf8' })
  return { status, line: stdout.trim() }
}

const suite = (status: string, ...tests: string[]) => ({
  name: '/a.test.ts',
  status,
  message: '',
  assertionResults: tests.map((test) => ({ status: test, fullName: 'a test' })),
})

describe('the closing line of a run', () => {
  it.each([
    ['every test passed', [suite('passed', 'passed', 'passed')], 0, 0, '2 passed, 0 failed'],
    ['a test to be written is neither', [suite('passed', 'passed', 'todo')], 0, 0, '1 passed, 0 failed'],
    ['a test failed', [suite('failed', 'passed', 'failed')], 1, 1, '1 passed, 1 failed'],
    ['a skipped test fails', [suite('passed', 'passed', 'skipped')], 0, 1, '1 passed, 1 failed'],
    ['a file that did not load fails', [suite('passed', 'passed'), suite('failed')], 1, 1, '1 passed, 1 failed'],
    ['an error outside the tests fails', [suite('passed', 'passed')], 1, 1, '1 passed, 1 failed'],
    ['the time limit fails', undefined, 124, 1, '0 passed, 1 failed'],
    ['no test ran', [], 0, 1, '0 passed, 1 failed'],
  ])('%s', (_, testResults, exitCode, status, line) => {
    expect(totals(testResults && { testResults }, exitCode)).toEqual({ status, line })
  })
})
