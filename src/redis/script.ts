import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** The text of a Lua file beside the module that names it: `luaFile(import.meta.url, 'append.lua')`. */
export const luaFile = (moduleUrl: string, name: string): string => readFileSync(new URL(name, moduleUrl), 'utf8')

export type Script = { text: string; sha: string }
export const scriptOf = (text: string): Script => ({ text, sha: createHash('sha1').update(text).digest('hex') })
