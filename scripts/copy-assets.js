// What tsc does not carry from src to dist: Lua scripts and the files of the pages.
import { cpSync } from 'node:fs'

cpSync('src', 'dist', { recursive: true, filter: (path) => !path.endsWith('.ts') })
