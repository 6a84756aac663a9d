import { existsSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'

/** The running local deployment: `.ovation/run.json`. Prefix and partitions are there because its environment may have named others. */
export type RunFile = { pid: number; url: string; redisUrl: string; mongodbUrl: string; keyPrefix?: string; partitions?: number }

export const folderName = '.ovation'
export const runFileIn = (folder: string): string => join(folder, 'run.json')
export const secretFileIn = (folder: string): string => join(folder, 'secret')

/** The nearest `.ovation` folder, here or above, that holds `file`. */
export function findFolder(file: 'run.json' | 'secret', from = process.cwd()): string | undefined {
  for (let at = resolve(from); ; at = dirname(at)) {
    const folder = join(at, folderName)
    if (existsSync(join(folder, file))) return folder
    if (at === dirname(at)) return undefined
  }
}

/** Undefined when there is none, or what wrote it is gone. */
export function readRunFile(folder: string): RunFile | undefined {
  try {
    const run = JSON.parse(readFileSync(runFileIn(folder), 'utf8')) as RunFile
    process.kill(run.pid, 0)
    return run
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM' ? (JSON.parse(readFileSync(runFileIn(folder), 'utf8')) as RunFile) : undefined
  }
}

/** Nobody reads half a file. */
export function writeRunFile(folder: string, run: RunFile): void {
  const unfinished = `${runFileIn(folder)}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify(run, undefined, 2)}\n`)
  renameSync(unfinished, runFileIn(folder))
}

export const removeRunFile = (folder: string): void => rmSync(runFileIn(folder), { force: true })
