import { extname, join } from 'node:path'

// The sources run as they are in tests (.ts) and compiled in the package (.js): a process of our own is started from the same kind.
const extension = extname(import.meta.filename)

/** The `ovation` command itself. */
export const mainFile = join(import.meta.dirname, `../main${extension}`)
export const generatorFile = join(import.meta.dirname, `generator/generate${extension}`)
