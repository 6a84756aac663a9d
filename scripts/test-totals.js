// The closing line of .ci/run: `node scripts/test-totals.js <vitest's JSON report> <vitest's exit code>` prints `N passed, N failed`.
// Exit 1 unless every test ran and passed. A skipped test counts as a failure: CI has switched everything on.
import { readFileSync } from 'node:fs'
import path from 'node:path'

const [file, exitCode] = process.argv.slice(2)

function readReport() {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (error) {
    console.error(`no test report: ${error.message}`)
    return undefined
  }
}

function totals(report) {
  const files = report.testResults.map((suite) => ({ ...suite, name: path.relative('.', suite.name) }))
  const tests = files.flatMap((suite) => suite.assertionResults.map((test) => ({ ...test, suite: suite.name })))
  const unloaded = files.filter((suite) => suite.status === 'failed' && !suite.assertionResults.some((test) => test.status === 'failed'))
  const failed = tests.filter((test) => test.status === 'failed')
  const notRun = tests.filter((test) => !['passed', 'failed', 'todo'].includes(test.status))
  for (const suite of unloaded) console.error(`FAILED ${suite.name}: ${suite.message.split('\n')[0]}`)
  for (const test of failed) console.error(`FAILED ${test.suite}: ${test.fullName}`)
  for (const test of notRun) console.error(`NOT RUN ${test.suite}: ${test.fullName}`)
  return { passed: tests.filter((test) => test.status === 'passed').length, failed: failed.length + notRun.length + unloaded.length }
}

/** What else makes a run without a failed test a failure. */
function outsideTests(passed) {
  if (exitCode !== '0') return `vitest ended with ${exitCode} although no test failed (an error outside the tests, or the time limit)`
  if (passed === 0) return 'no test ran'
  return undefined
}

const report = readReport()
const { passed, failed: failedTests } = report ? totals(report) : { passed: 0, failed: 1 }
const outside = failedTests > 0 ? undefined : outsideTests(passed)
if (outside) console.error(outside)
const failed = failedTests + (outside ? 1 : 0)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
