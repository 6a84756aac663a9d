import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { secretFileIn } from '../run-file.ts'

/** Made once a folder, for this user alone: tokens are good over restarts. */
export function developmentSecret(folder: string): string {
  const file = secretFileIn(folder)
  try {
    writeFileSync(file, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  return readFileSync(file, 'utf8').trim()
}
