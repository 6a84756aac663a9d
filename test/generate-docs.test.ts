import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configPage } from '../scripts/docs/config-page.ts'
import { driftOf, referencePages } from '../scripts/generate-docs.ts'
import { variables } from '../src/config.ts'

describe('the generated references', () => {
  test('are what the code says', async () => {
    expect(driftOf(await referencePages())).toEqual([])
  })

  test('come out the same each time', async () => {
    expect(await referencePages()).toEqual(await referencePages())
  })

  test('name every call, verb and variable', async () => {
    const pages = await referencePages()
    for (const call of ['POST /v1/topics/{topic}/comments', 'GET /v1/counts']) expect(pages['api.md']).toContain(`## ${call}\n`)
    for (const verb of ['dev', 'serve', 'consume', 'import youtube', 'token', 'groups', 'hotspots promote'])
      expect(pages['cli.md']).toContain(`## ovation ${verb}\n`)
    for (const { name } of variables) expect(pages['config.md']).toContain(`| \`${name}\` |`)
  })

  test('keep a bar within a cell', () => {
    const variable = { name: 'A', default: 'a|b', isRequired: false, description: 'one | other' }
    expect(configPage([variable])).toContain('| `A` | `a\\|b` | one \\| other |')
  })
})

describe('drift', () => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'ovation-docs-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['a line was edited', 'one\n2\nthree\n', 2],
    ['a line is missing', 'one\ntwo\n', 3],
    ['a line is too many', 'one\ntwo\nthree\nfour\n', 4],
    ['there is no such file', undefined, 1],
  ])('is found where %s', (_, text, line) => {
    if (text !== undefined) writeFileSync(path.join(folder, 'a.md'), text)
    expect(driftOf({ 'a.md': 'one\ntwo\nthree\n' }, folder)).toEqual([expect.stringContaining(`docs/reference/a.md:${line} is `)])
  })

  test('is none where they are equal', () => {
    writeFileSync(path.join(folder, 'a.md'), 'one\n')
    expect(driftOf({ 'a.md': 'one\n' }, folder)).toEqual([])
  })
})
