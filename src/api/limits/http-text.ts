import { STATUS_CODES } from 'node:http'

export const problemText = (status: number, code: string): string =>
  JSON.stringify({ type: `/problems/${code}`, title: code.replaceAll('-', ' '), status, code })

/** A whole answer with a problem document, for a connection that is closed after it. */
export function httpText(status: number, code: string, headers: readonly string[] = []): string {
  const problem = problemText(status, code)
  const own = ['Content-Type: application/problem+json', `Content-Length: ${problem.length}`, 'Connection: close']
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...headers, ...own, '', problem].join('\r\n')
}

/** The code of an answer that Node itself refuses with: its name in HTTP. */
export const codeOf = (status: number): string => STATUS_CODES[status]!.toLowerCase().replaceAll(' ', '-')
