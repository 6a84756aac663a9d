import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { youtubeRows } from '../src/cli/import/youtube-rows.ts'

const file = join(import.meta.dirname, '../../data/youtube-spam-collection/Youtube01-Psy.csv')

/** The real comments that come with the package: their lengths, links, capitals and emoji. */
export function realTexts(): (n: number) => string {
  const texts = youtubeRows(readFileSync(file)).rows.map(({ body }) => body)
  return (n) => texts[n % texts.length]!
}
