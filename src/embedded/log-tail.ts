import { readFileSync } from 'node:fs'

/** What a person needs from the end of a server's log: mongod's errors if there are any, else the last lines; shortened. */
export function logTail(file: string): string {
  let text = ''
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    return '  (it wrote no log)'
  }
  const lines = text.trimEnd().split('\n').slice(-60)
  const faults = lines.filter((line) => /"s":"[EF]"/.test(line))
  return (faults.length > 0 ? faults : lines)
    .slice(-8)
    .map((line) => `  ${readable(line).slice(0, 300)}`)
    .join('\n')
}

function readable(line: string): string {
  try {
    const { s, msg, attr } = JSON.parse(line) as { s?: string; msg?: string; attr?: unknown }
    return msg === undefined ? line : `${s} ${msg} ${attr === undefined ? '' : JSON.stringify(attr)}`
  } catch {
    return line
  }
}
