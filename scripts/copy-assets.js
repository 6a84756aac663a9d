// What tsc does not carry from src to a build: Lua scripts and the files of the pages. The first argument names the build's folder.
import { cpSync } from 'node:fs'

cpSync('src', process.argv[2] ?? 'dist', { recursive: true, filter: (path) => !path.endsWith('.ts') })
