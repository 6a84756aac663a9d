import { createHash } from 'node:crypto'
import { parse } from 'csv-parse/sync'
import { DomainError } from '../../errors.ts'
import { cleanText } from './clean-text.ts'

/** `row` counts as a spreadsheet does: the header is row 1. */
export type RefusedRow = { row: number; id: string; reason: string }
export type DatedRow = { row: number; id: string; writtenAt: number }
export type YoutubeRow = DatedRow & { actor: string; name: string; body: string }
export type YoutubeRows = {
  read: number
  /** By date; rows of one date in file order. */
  rows: YoutubeRow[]
  /** Rows whose COMMENT_ID an earlier row has. */
  repeated: number
  refused: RefusedRow[]
  /** Taken although their date is missing or unreadable: with the date of the row before, the first ones with that of the next. */
  datedLikeNeighbour: DatedRow[]
}

const columns = ['COMMENT_ID', 'AUTHOR', 'DATE', 'CONTENT'] as const
type Column = (typeof columns)[number]
type FileRow = { row: number; fields: Record<Column, string> | undefined; ms: number | undefined }

/** As the API's: characters of a comment, of a name. */
const maxBody = 5_000
const maxName = 100

/** A file of the YouTube Spam Collection. Throws DomainError `invalid-input` when it is not one; CLASS is not read. */
export function youtubeRows(file: Buffer): YoutubeRows {
  const rows = fileRows(file)
  const dates = filledDates(rows.map(({ ms }) => ms))
  const result: YoutubeRows = { read: rows.length, rows: [], repeated: 0, refused: [], datedLikeNeighbour: [] }
  const seen = new Set<string>()
  for (const [i, { row, fields, ms }] of rows.entries()) {
    const id = fields?.COMMENT_ID.trim() ?? ''
    const body = cleanText(fields?.CONTENT ?? '')
    const writtenAt = dates[i]
    const reason = fields ? refusal(id, body, writtenAt) : 'its number of columns is not that of the header'
    if (seen.has(id)) result.repeated += 1
    else if (reason || !fields || writtenAt === undefined) result.refused.push({ row, id, reason: reason ?? 'unreadable' })
    else {
      seen.add(id)
      if (ms === undefined) result.datedLikeNeighbour.push({ row, id, writtenAt })
      result.rows.push({ row, id, writtenAt, body, ...authorOf(fields.AUTHOR) })
    }
  }
  result.rows.sort((a, b) => a.writtenAt - b.writtenAt)
  return result
}

function fileRows(file: Buffer): FileRow[] {
  const [header = [], ...records] = recordsOf(file)
  const missing = columns.filter((column) => !header.includes(column))
  if (missing.length > 0) throw new DomainError('invalid-input', `the header lacks ${missing.join(', ')}`)
  return records.map((record, i) => {
    const value = (column: Column) => record[header.indexOf(column)] ?? ''
    const [COMMENT_ID, AUTHOR, DATE, CONTENT] = [value('COMMENT_ID'), value('AUTHOR'), value('DATE'), value('CONTENT')]
    const fields = record.length === header.length ? { COMMENT_ID, AUTHOR, DATE, CONTENT } : undefined
    return { row: i + 2, fields, ms: dateMs(DATE) }
  })
}

function recordsOf(file: Buffer): string[][] {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(file)
    return parse(text, { relax_column_count: true, skip_empty_lines: true })
  } catch (error) {
    throw new DomainError('invalid-input', `not CSV in UTF-8: ${(error as Error).message}`, {}, { cause: error })
  }
}

/** The files' dates have no zone and mean UTC; digits below the millisecond are dropped. */
export function dateMs(date: string): number | undefined {
  const parts = /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?$/.exec(date.trim())
  if (!parts) return undefined
  const [, day, time, fraction = '', zone = 'Z'] = parts
  const ms = Date.parse(`${day}T${time}${fraction.slice(0, 4)}${zone}`)
  // Date.parse takes 31 February for 3 March.
  return Number.isNaN(ms) || new Date(`${day}T00:00:00Z`).getUTCDate() !== Number(day!.slice(8)) ? undefined : ms
}

function filledDates(dates: readonly (number | undefined)[]): (number | undefined)[] {
  let last = dates.find((ms) => ms !== undefined)
  return dates.map((ms) => (last = ms ?? last))
}

function refusal(id: string, body: string, writtenAt: number | undefined): string | undefined {
  if (!/^[\x21-\x7e]{1,100}$/.test(id)) return 'COMMENT_ID is empty, longer than 100 characters or has characters an id cannot have'
  if (body === '') return 'CONTENT is empty'
  if (body.length > maxBody) return `CONTENT has ${body.length} characters, more than ${maxBody}`
  if (writtenAt === undefined) return 'no row of the file has a readable DATE'
  return undefined
}

/** One person a name, as far as the file tells. */
function authorOf(exported: string): Pick<YoutubeRow, 'actor' | 'name'> {
  const whole = cleanText(exported).replaceAll(/\s+/g, ' ')
  if (whole === '') return { actor: 'youtube:anonymous', name: 'Anonymous' }
  const name = whole
    .slice(0, maxName)
    .replace(/[\uD800-\uDBFF]$/, '')
    .trim()
  return { actor: `youtube:${createHash('sha256').update(whole).digest('base64url').slice(0, 16)}`, name }
}
