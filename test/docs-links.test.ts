import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { faultsIn, filesIn, root } from './docs-links.ts'

const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const pages = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...filesIn('docs').filter((file) => file.endsWith('.md'))]

test.each(pages)('%s mentions only what is there', (file) => {
  expect(faultsIn(file, read(file))).toEqual([])
})

test('the layout in the README has a line for each folder of src', () => {
  const readme = read('README.md')
  const folders = readdirSync(path.join(root, 'src'), { withFileTypes: true }).filter((entry) => entry.isDirectory())
  for (const { name } of folders) expect(readme).toMatch(new RegExp(`^src/${name}/ {2,}\\S`, 'm'))
})

test('the list of decisions has each of them', () => {
  const list = read('docs/decisions/README.md')
  for (const file of filesIn('docs/decisions').filter((name) => /\/\d{4}-/.test(name))) {
    const title = /^# \d+\. (.+)$/m.exec(read(file))?.[1]
    expect(list).toContain(`(${path.basename(file)}) ${title}`)
  }
})

describe('a fault is found', () => {
  test.each([
    ['[a](../nowhere.md)', 'leads nowhere'],
    ['[a](../../outside.md)', 'leads nowhere'],
    ['<img src="missing.png">', 'leads nowhere'],
    ['[a](architecture.md#no-such-part)', 'has no heading #no-such-part'],
    ['[a](#no-such-part)', 'has no heading #no-such-part'],
    ['[`noSuchFunction`](../src/config.ts)', 'has no noSuchFunction'],
    ['[`readConfig`, `noSuchFunction`](../src/config.ts)', 'has no noSuchFunction'],
    ['[other.ts](../src/config.ts)', 'called other.ts leads to'],
    ['in `src/nowhere.ts`', 'src/nowhere.ts is not there'],
    ['in `src/nowhere/*.ts`', 'is not there'],
    ['```text\nsrc/nowhere/   a folder\n```', 'src/nowhere/ is not there'],
    ['`npm run nothing`', 'there is no `npm run nothing`'],
    ['`npx ovation sing`', 'there is no `npx ovation sing`'],
  ])('in %s', (text, fault) => {
    expect(faultsIn('docs/architecture.md', text)).toEqual([expect.stringContaining(fault)])
  })

  test.each([
    '[a](../README.md) and [b](decisions/README.md#decisions)',
    '[`readConfig`, `variables`](../src/config.ts)',
    '[config.ts](../src/config.ts), [https](https://example.org/nowhere)',
    '`src/*.ts`, `test/**/*.test.ts`, `src/api/`, `docs/decisions/NNNN-title.md`, `src`',
    '`npm run check`, `npm run -s docs:check`, `npx ovation groups`',
  ])('and none in %s', (text) => {
    expect(faultsIn('docs/architecture.md', text)).toEqual([])
  })
})
