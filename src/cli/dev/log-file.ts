import { renameSync } from 'node:fs'
import { destination } from 'pino'

/** A new log a start; the one before is kept beside it. */
export function openLogFile(file: string): ReturnType<typeof destination> {
  try {
    renameSync(file, file.replace(/\.log$/, '.previous.log'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return destination({ dest: file, sync: false })
}
