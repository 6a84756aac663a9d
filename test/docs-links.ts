import { existsSync, readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { createProgram } from '../src/cli/program.ts'

export const root = path.resolve(import.meta.dirname, '..')
const folders = ['src', 'test', 'bench', 'scripts', 'docs', 'data']

/** What a page of the documentation mentions that is not there, a sentence each. `file` is relative to the root of the project. */
export function faultsIn(file: string, text: string): string[] {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '')
  return [...linkFaults(file, prose), ...pathFaults(prose, text), ...commandFaults(text)].map((fault) => `${file}: ${fault}`)
}

/** Markdown files of a folder and those below it, relative to the root. */
export const filesIn = (folder: string): string[] =>
  readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')))
    .sort()

function linkFaults(file: string, prose: string): string[] {
  const links = [
    ...[...prose.matchAll(/\[([^\][]*(?:\[[^\]]*\][^\][]*)*)\]\(([^()\s]+)\)/g)].map(([, text = '', target = '']) => ({ text, target })),
    ...[...prose.matchAll(/<img[^>]* src="([^"]+)"/g)].map(([, target = '']) => ({ text: '', target })),
  ]
  return links.flatMap(({ text, target }) => {
    if (/^https?:/.test(target)) return []
    const [name = '', anchor] = target.split('#')
    const at = name === '' ? file : path.posix.join(path.posix.dirname(file), name)
    if (at.startsWith('../') || !existsSync(path.join(root, at))) return [`the link to ${target} leads nowhere`]
    if (anchor !== undefined && !anchorsOf(at).has(anchor)) return [`${at} has no heading #${anchor}`]
    return nameFaults(text, at)
  })
}

/** A link that is called like a file or a function leads to it. */
function nameFaults(text: string, at: string): string[] {
  const names = text.split(', ').map((name) => name.replace(/^`(.*)`$/, '$1'))
  return names.flatMap((name) => {
    if (/^[\w.-]+\.(?:ts|js|lua|yml|json)$/.test(name))
      return name === path.posix.basename(at) ? [] : [`the link called ${name} leads to ${at}`]
    const isIdentifier = /^[a-z]\w*$/i.test(name) && text.includes(`\`${name}\``) && /\.(?:ts|js)$/.test(at) && !at.startsWith('bench/')
    if (!isIdentifier || new RegExp(`\\b${name}\\b`).test(readFileSync(path.join(root, at), 'utf8'))) return []
    return [`${at} has no ${name}`]
  })
}

const anchors = new Map<string, Set<string>>()
function anchorsOf(file: string): Set<string> {
  const known = anchors.get(file)
  if (known) return known
  const headings = [...readFileSync(path.join(root, file), 'utf8').matchAll(/^#{1,6} (.+)$/gm)].map(([, heading = '']) => heading)
  const found = new Set(
    headings.map((heading) =>
      heading
        .toLowerCase()
        .replaceAll(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  )
  anchors.set(file, found)
  return found
}

/** Paths in code and, at the start of a line, in a tree of folders. `*` stands for a name, `**` for any folders; NNNN is a placeholder. */
function pathFaults(prose: string, text: string): string[] {
  const isOurs = new RegExp(`^(?:${folders.join('|')})/[\\w.*/-]*$`)
  const inCode = [...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code)
  const inTree = [...text.matchAll(/^([\w./-]+\/) {2,}\S/gm)].map(([, folder = '']) => folder)
  return [...inCode, ...inTree]
    .filter((name) => isOurs.test(name) && !name.includes('NNNN'))
    .filter((name) => (name.includes('*') ? !all().some((file) => patternOf(name).test(file)) : !existsSync(path.join(root, name))))
    .map((name) => `${name} is not there`)
}

const patternOf = (glob: string): RegExp =>
  new RegExp(
    `^${glob
      .split('**/')
      .map((part) => part.replaceAll('.', '\\.').replaceAll('*', '[^/]*'))
      .join('(?:.*/)?')}$`,
  )

let files: string[] | undefined
const all = (): string[] => (files ??= folders.flatMap(filesIn))

function commandFaults(text: string): string[] {
  const { scripts } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> }
  const verbs = createProgram().commands.map((command) => command.name())
  const missing = (pattern: RegExp, known: readonly string[]) =>
    [...text.matchAll(pattern)].filter(([, name = '']) => !known.includes(name)).map(([said]) => `there is no \`${said}\``)
  return [...missing(/npm run (?:-s )?([a-z][\w:]*)/g, Object.keys(scripts)), ...missing(/npx ovation ([a-z]\w*)/g, verbs)]
}
