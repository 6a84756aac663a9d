import { z } from '@hono/zod-openapi'
import type { Context, MiddlewareHandler } from 'hono'
import { HTTPException } from 'hono/http-exception'
import { DomainError } from '../errors.ts'
import { defaultHook } from './problem.ts'

export const maxBodyBytes = 65_536
const maxDepth = 20
const jsonType = /^application\/json(; *charset="?utf-8"?)?$/i

/**
 * Before the validation of a JSON body: refuses other media types, more than 64 KiB (counted while it arrives where no length is announced)
 * and deep nesting. It leaves the text where Hono's validator looks for it, so that it is read once and parsed once.
 */
export const readJson: MiddlewareHandler = async (c, next) => {
  const type = c.req.header('content-type') ?? ''
  if (type !== 'application/json' && !jsonType.test(type)) throw new HTTPException(415, { message: 'the body must be application/json' })
  if (c.req.header('content-encoding')) throw new HTTPException(415, { message: 'the body must not be compressed' })
  const text = await readText(c)
  if (isDeep(text)) throw new DomainError('invalid-input', `the body is nested deeper than ${maxDepth}`)
  await next()
}

/** The JSON that `readJson` has let through. Throws `malformed-json`. */
export async function jsonOf(c: Context): Promise<unknown> {
  const text = await c.req.text()
  try {
    return JSON.parse(text)
  } catch {
    throw new DomainError('malformed-json', 'the body is not JSON')
  }
}

/** What the schema makes of the input. Throws `invalid-input` with its issues. */
export function parsed<S extends z.ZodType>(schema: S, input: unknown): z.output<S> {
  const result = schema.safeParse(input)
  if (!result.success) defaultHook(result)
  return result.data as z.output<S>
}

async function readText(c: Context): Promise<string> {
  const announced = c.req.header('content-length')
  if (announced === undefined) c.req.bodyCache.text = countedText(c.req.raw.body) as never
  else if (Number(announced) > maxBodyBytes) throw tooLarge()
  return c.req.text().catch(neverArrived)
}

function neverArrived(cause: unknown): never {
  if (cause instanceof HTTPException) throw cause
  throw new HTTPException(400, { message: 'the body did not arrive', cause })
}

async function countedText(body: ReadableStream<Uint8Array> | null): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of body ?? []) {
    bytes += chunk.length
    if (bytes > maxBodyBytes) throw tooLarge()
    chunks.push(chunk)
  }
  return new TextDecoder().decode(Buffer.concat(chunks))
}

const tooLarge = () => new HTTPException(413, { message: `the body must be at most ${maxBodyBytes} bytes` })

/** Looks at brackets only; those within strings do not count. */
function isDeep(json: string): boolean {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const code = json.charCodeAt(i)
    if (code === 34) {
      i = endOfString(json, i + 1)
    } else if (code === 91 || code === 123) {
      if (++depth > maxDepth) return true
    } else if (code === 93 || code === 125) depth--
  }
  return false
}

function endOfString(json: string, from: number): number {
  for (let end = json.indexOf('"', from); end !== -1; end = json.indexOf('"', end + 1)) {
    let slashes = 0
    while (json.charCodeAt(end - 1 - slashes) === 92) slashes++
    if (slashes % 2 === 0) return end
  }
  return json.length
}

/** Text that a person wrote: trimmed, NFC, `min` to `max` code points of which one can be seen, no NUL, no half of a surrogate pair. */
export const Text = (min: number, max: number) =>
  z
    .string()
    .overwrite((text) => text.normalize('NFC').trim())
    .check(({ value, issues }) => {
      const message = faultOf(value, min, max)
      if (message) issues.push({ code: 'custom', message, input: value })
    })
    .openapi({ minLength: min, maxLength: max })

const unreadable = /[\0\p{Cs}]/u
const visible = /[^\p{Cc}\p{Cf}\p{Z}]/u
const pairs = /[\ud800-\udbff][\udc00-\udfff]/g

function faultOf(text: string, min: number, max: number): string | undefined {
  if (unreadable.test(text)) return 'must not contain U+0000 or half of a surrogate pair'
  // UTF-16 units are never fewer than code points.
  const length = min <= 1 && text.length <= max ? text.length : text.length - (text.match(pairs)?.length ?? 0)
  if (length < min || (min > 0 && !visible.test(text))) return `must be at least ${min} characters`
  if (length > max) return `must be at most ${max} characters`
  return undefined
}
