// Import directions between the folders of src. `node scripts/check-imports.js [root]`: exit 1 and one line a violation.
// Reads tokens instead of using a parser: TypeScript 7 has no classic JS API, and the check needs only the specifiers.
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** What each layer may import besides itself and the files at the top of src (`leaves`, which import only each other). */
const LAYERS = {
  leaves: [],
  redis: [],
  mongo: [],
  events: ['redis', 'mongo'],
  projections: ['redis', 'mongo', 'events'],
  consumers: ['redis', 'mongo', 'events', 'projections'],
  api: ['redis', 'mongo', 'events', 'projections'],
  embedded: [],
  web: [],
  cli: ['redis', 'mongo', 'events', 'projections', 'consumers', 'api', 'embedded', 'web'],
}

const isTest = (file) => /\.test\.[cm]?tsx?$/.test(file)
const isSource = (file) => /\.[cm]?[jt]sx?$/.test(file)
const slash = (file) => file.split(path.sep).join('/')

/** A slash after one of these begins a regular expression; after anything else it divides. */
const BEFORE_REGEX = new Set(
  '( , = : [ ! & | ? { ; + - * % ~ ^ < > return typeof case in of do else void delete throw await yield'.split(' '),
)
const TOKEN =
  /(?<space>\s+)|(?<comment>\/\/[^\n]*|\/\*[\s\S]*?\*\/)|(?<string>'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*")|(?<word>[\p{L}\p{N}_$]+)|(?<other>[\s\S])/uy
const REGEX = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const TEMPLATE = /(?:[^`\\$]|\\[\s\S]|\$(?!\{))*/y

const matchAt = (pattern, text, at) => {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/** Words, punctuation and string values with their offsets; comments and regular expressions dropped. */
function tokens(text) {
  const found = []
  const openBraces = [] // a number for each template literal being read: the braces open inside its `${`
  let at = 0
  const template = (from) => {
    const chunk = matchAt(TEMPLATE, text, from)[0]
    at = from + chunk.length
    if (at >= text.length) throw new Error('unterminated template literal')
    if (text[at] === '`') return { end: at + 1, chunk, whole: true }
    return { end: at + 2, chunk, whole: false }
  }
  const pushTemplate = (from) => {
    const part = template(from)
    if (part.whole) found.push({ kind: 'string', value: part.chunk, offset: from })
    else {
      found.push({ kind: 'template', value: part.chunk, offset: from })
      openBraces.push(0)
    }
    at = part.end
  }
  while (at < text.length) {
    const previous = found.at(-1)
    if (text[at] === '/' && text[at + 1] !== '/' && text[at + 1] !== '*' && (!previous || BEFORE_REGEX.has(previous.value))) {
      const regex = matchAt(REGEX, text, at)
      if (regex) {
        found.push({ kind: 'regex', value: 'regex', offset: at })
        at += regex[0].length
        continue
      }
    }
    if (text[at] === '`') {
      pushTemplate(at + 1)
      continue
    }
    if (openBraces.length > 0 && text[at] === '}' && openBraces.at(-1) === 0) {
      openBraces.pop()
      const part = template(at + 1)
      if (part.whole) found.push({ kind: 'template', value: part.chunk, offset: at })
      else openBraces.push(0)
      at = part.end
      continue
    }
    if (openBraces.length > 0 && text[at] === '{') openBraces[openBraces.length - 1]++
    if (openBraces.length > 0 && text[at] === '}') openBraces[openBraces.length - 1]--
    const { groups, 0: raw } = matchAt(TOKEN, text, at)
    if (groups.string) found.push({ kind: 'string', value: raw.slice(1, -1), offset: at })
    else if (groups.word || groups.other) found.push({ kind: groups.word ? 'word' : 'mark', value: raw, offset: at })
    at += raw.length
  }
  if (openBraces.length > 0) throw new Error('unterminated template literal')
  return found
}

/** Every module a source names: static, re-exported, side-effect, type, dynamic, required, or by `new URL(…, import.meta.url)`. */
function specifiers(text) {
  const list = tokens(text)
  const value = (index, kind) => (!kind || list[index]?.kind === kind ? list[index]?.value : undefined)
  const found = []
  for (const [index, token] of list.entries()) {
    const before = value(index - 1, 'word')
    const call = value(index - 1, 'mark') === '(' ? value(index - 2, 'word') : undefined
    const ofMember = value(index - 3, 'mark') === '.'
    if (token.kind === 'string') {
      const isUrl = call === 'URL' && value(index + 1) === ',' && value(index + 2) === 'import' && isSource(token.value)
      const isCall = (call === 'import' || call === 'require') && !ofMember
      if (before === 'from' || before === 'import' || isCall || isUrl) found.push({ specifier: token.value, offset: token.offset })
    } else if (call === 'import' && !ofMember && token.value !== ')') found.push({ specifier: undefined, offset: token.offset })
  }
  return found
}

function sourceFiles(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && isSource(entry.name))
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .sort()
}

function layerOf(file, src) {
  const [first, ...rest] = slash(path.relative(src, file)).split('/')
  return rest.length === 0 && isSource(first) ? 'leaves' : first
}

/** Why this import is refused, or undefined. Tests may import anything; nothing may import a test. */
function refusal(file, specifier, src) {
  const from = layerOf(file, src)
  if (specifier === undefined) return from === 'cli' ? undefined : 'a computed import() cannot be checked: name the module'
  if (/^(#|\/|file:|ovation(\/|$))/.test(specifier)) return `'${specifier}' hides its layer: use a relative path`
  if (!/^\.\.?(\/|$)/.test(specifier)) return undefined
  const target = path.resolve(path.dirname(file), specifier)
  const relative = slash(path.relative(src, target))
  if (relative.startsWith('../')) return `src imports '${specifier}', which lies outside src`
  if (isTest(target)) return `'${specifier}' is a test`
  const to = layerOf(target, src)
  if (to === from || to === 'leaves' || LAYERS[from].includes(to)) return undefined
  return `${from} must not import ${to} ('${specifier}')`
}

function violations(root) {
  const src = path.join(root, 'src')
  const found = []
  for (const file of sourceFiles(src)) {
    if (isTest(file)) continue
    const text = readFileSync(file, 'utf8')
    const report = (offset, reason) =>
      found.push(`${slash(path.relative(root, file))}:${text.slice(0, offset).split('\n').length}: ${reason}`)
    if (!Object.hasOwn(LAYERS, layerOf(file, src))) {
      report(0, `src/${layerOf(file, src)} is not in the table of layers`)
      continue
    }
    try {
      for (const { specifier, offset } of specifiers(text)) {
        const reason = refusal(file, specifier, src)
        if (reason) report(offset, reason)
      }
    } catch (error) {
      report(0, `cannot be read: ${error.message}`)
    }
  }
  return found
}

const table = () =>
  Object.entries(LAYERS)
    .map(([layer, below]) => `  ${(layer === 'leaves' ? 'src/*.ts' : `src/${layer}`).padEnd(16)} ${['src/*.ts', ...below].join(', ')}`)
    .join('\n')

const root = path.resolve(process.argv[2] ?? '.')
const found = violations(root)
if (found.length > 0) {
  console.error(found.join('\n'))
  console.error(`\n${found.length} import(s) against the layers. A folder may import itself and:\n${table()}`)
  console.error('Tests may import anything; nothing imports a test, or a file outside src. The reasons: docs/architecture.md.')
  process.exitCode = 1
}
