import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { youtubeRows } from '../../import/youtube-rows.ts'

const files = ['Youtube01-Psy', 'Youtube02-KatyPerry', 'Youtube03-LMFAO']

/** A text of the real comments that come with the package: their lengths, links, capitals and emoji. */
export function createTexts(): () => string {
  const texts = files.flatMap((name) => {
    const path = fileURLToPath(new URL(`../../../../data/youtube-spam-collection/${name}.csv`, import.meta.url))
    return youtubeRows(readFileSync(path)).rows.map(({ body }) => body)
  })
  return () => texts[Math.floor(Math.random() * texts.length)]!
}
