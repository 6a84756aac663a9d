import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'

const script = path.resolve(import.meta.dirname, '../scripts/check-imports.js')
let root: string

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'ovation-imports-'))
  plant('src/errors.ts', 'export const code = 1')
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function plant(file: string, text: string) {
  mkdirSync(path.dirname(path.join(root, file)), { recursive: true })
  writeFileSync(path.join(root, file), text)
}

function check(folder = root) {
  const { status, stderr } = spawnSync(process.execPath, [script, folder], { encoding: 'utf8' })
  return { status, report: stderr }
}

const refused: [file: string, specifier: string, reason: string][] = [
  ['src/errors.ts', './events/log.ts', 'leaves must not import events'],
  ['src/redis/keys.ts', '../events/types.ts', 'redis must not import events'],
  ['src/redis/keys.ts', '../mongo/db.ts', 'redis must not import mongo'],
  ['src/mongo/db.ts', '../projections/store.ts', 'mongo must not import projections'],
  ['src/events/log.ts', '../projections/store.ts', 'events must not import projections'],
  ['src/events/log.ts', '../api/app.ts', 'events must not import api'],
  ['src/projections/store.ts', '../consumers/runtime.ts', 'projections must not import consumers'],
  ['src/consumers/runtime.ts', '../api/app.ts', 'consumers must not import api'],
  ['src/consumers/deep/er/runtime.ts', '../../../cli/main.ts', 'consumers must not import cli'],
  ['src/api/app.ts', '../consumers/runtime.ts', 'api must not import consumers'],
  ['src/api/app.ts', '../consumers', 'api must not import consumers'],
  ['src/api/app.ts', '../embedded/servers.ts', 'api must not import embedded'],
  ['src/embedded/servers.ts', '../redis/keys.ts', 'embedded must not import redis'],
  ['src/web/widget.ts', '../api/app.ts', 'web must not import api'],
  ['src/api/app.ts', '../../test/servers.ts', 'outside src'],
  ['src/api/app.ts', './app.test.ts', 'is a test'],
  ['src/events/log.ts', 'ovation/dist/api/app.js', 'hides its layer'],
  ['src/helpers/x.ts', './y.ts', 'src/helpers is not in the table of layers'],
]

const allowed: [file: string, specifier: string][] = [
  ['src/config.ts', './errors.ts'],
  ['src/redis/keys.ts', '../errors.ts'],
  ['src/events/log.ts', '../redis/keys.ts'],
  ['src/projections/store.ts', '../mongo/db.ts'],
  ['src/consumers/runtime.ts', '../projections/store.ts'],
  ['src/api/app.ts', '../projections/store.ts'],
  ['src/api/app.ts', './problems.ts'],
  ['src/api/app.ts', 'node:fs'],
  ['src/api/app.ts', '@hono/zod-openapi'],
  ['src/cli/main.ts', '../api/app.ts'],
  ['src/cli/main.ts', '../embedded/servers.ts'],
  ['src/events/log.int.test.ts', '../consumers/runtime.ts'],
]

describe('the import check', () => {
  it.each(refused)('refuses %s importing %s', (file, specifier, reason) => {
    plant(file, `// one line before\nimport { x } from '${specifier}'\n`)
    const { status, report } = check()
    expect(status).toBe(1)
    expect(report).toContain(reason)
    expect(report).toMatch(new RegExp(`^${file}:[12]: `))
    expect(report).toContain('src/consumers    src/*.ts, redis, mongo, events, projections')
  })

  it.each(allowed)('allows %s importing %s', (file, specifier) => {
    plant(file, `import { x } from '${specifier}'\n`)
    expect(check()).toEqual({ status: 0, report: '' })
  })

  it.each([
    ["import '../api/app.ts'"],
    ["import type { App } from '../api/app.ts'"],
    ["import app, {\n  type App,\n} from '../api/app.ts'"],
    ["import * as api from '../api/app.ts'"],
    ["export * from '../api/app.ts'"],
    ["export { app } from '../api/app.ts'"],
    ["const app = await import('../api/app.ts')"],
    ['const app = await import(`../api/app.ts`)'],
    ["type App = import('../api/app.ts').App"],
    ["import api = require('../api/app.ts')"],
    ["new Worker(new URL('../api/app.ts', import.meta.url))"],
    ["const quote = /['\"`]/.test(text) // it's\nimport('../api/app.ts')"],
    ["const nested = `a ${`b ${{ c: '}' }.c} '`} \"`\nexport * from '../api/app.ts'"],
    ['import(name)'],
    ['import(`../${name}.ts`)'],
  ])('sees %s', (text) => {
    plant('src/events/log.ts', text)
    expect(check()).toMatchObject({ status: 1, report: expect.stringMatching(/events must not import api|computed import/) })
  })

  it.each([
    ["// import '../api/app.ts'"],
    ["/* export * from\n '../api/app.ts' */"],
    ["const text = `import x from '../api/app.ts'`"],
    ['const text = "import \'../api/app.ts\'"'],
    ["const rows = Array.from('../api/app.ts')"],
    ["loader.import('../api/app.ts')"],
    ["const page = new URL('../api/page.html', import.meta.url)"],
  ])('is not fooled by %s', (text) => {
    plant('src/events/log.ts', text)
    expect(check()).toEqual({ status: 0, report: '' })
  })

  it('reports every violation with its own line', () => {
    plant('src/events/log.ts', "import '../api/a.ts'\n\nimport '../cli/b.ts'\n")
    const lines = check().report.split('\n')
    expect(lines[0]).toBe("src/events/log.ts:1: events must not import api ('../api/a.ts')")
    expect(lines[1]).toBe("src/events/log.ts:3: events must not import cli ('../cli/b.ts')")
  })

  it('finds nothing in this repository', () => {
    expect(check(path.resolve(import.meta.dirname, '..'))).toEqual({ status: 0, report: '' })
  })
})
