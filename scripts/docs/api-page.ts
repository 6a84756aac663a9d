import { describeCalls } from '../../src/api/described.ts'
import { documentOf } from '../../src/api/docs-page.ts'
import type { Schema } from '../../src/api/docs-schema.ts'
import { type ProblemCode, statusOf } from '../../src/api/problem.ts'
import { code, page, table } from './markdown.ts'

type Content = Record<string, { schema?: Schema }>
type Operation = {
  summary?: string
  description?: string
  security?: unknown[]
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[]
  requestBody?: { content: Content }
  responses?: Record<string, { description?: string; content?: Content }>
}
export type OpenApi = {
  info: { title: string; version: string; description?: string }
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, Schema> }
}

/** The document of the API with all routes. Nothing is called, so nothing has to run. */
export const readOpenApi = (): OpenApi => JSON.parse(JSON.stringify(documentOf(describeCalls()))) as OpenApi

/** docs/reference/api.md: the OpenAPI document, to read. */
export function apiPage({ info, paths, components }: OpenApi): string {
  const calls = Object.entries(paths).flatMap(([path, item]) =>
    Object.entries(item).map(([method, operation]) => ({ title: `${method.toUpperCase()} ${path}`, operation })),
  )
  return page(
    `# HTTP API, version ${info.version}`,
    info.description ?? '',
    'A running API has the same as an [OpenAPI 3.1](https://spec.openapis.org/oas/v3.1.0) document at `/openapi.json` and as a page at `/docs`. ' +
      'What a 201 promises, and what it does not, is in [operations](../operations.md#what-a-201-promises).',
    table(
      ['Call', 'Does', 'Token'],
      calls.map(({ title, operation }) => [
        `[${code(title)}](#${anchorOf(title)})`,
        operation.summary ?? '',
        operation.security ? 'yes' : '',
      ]),
    ),
    'Every write that appends also names itself in the header `Ovation-Write`; as `after` in a read it shows that write, whatever the read models have by then. ' +
      'Posts and reports take an `Idempotency-Key`; all other writes can be repeated without one.',
    'Without the OpenAPI document: `GET /healthz` (the process answers), `GET /readyz` (Redis, MongoDB and the lag, each with its result; 503 only where the process ' +
      'cannot serve: neither Redis nor MongoDB for one that reads, no Redis for one that only writes), and `GET /metrics` on a port of its own (`OPS_PORT`).',
    ...calls.flatMap(({ title, operation }) => sectionOf(title, operation)),
    '## Shapes',
    ...Object.entries(components.schemas).flatMap(([name, schema]) => [`### ${name}`, schemaText(schema)]),
    '## Problems',
    'A refusal is `application/problem+json` in the shape [Problem](#problem). `code` is stable. A 503 carries `Retry-After`.',
    table(
      ['Code', 'Status'],
      (Object.keys(statusOf) as ProblemCode[]).map((problem) => [code(problem), String(statusOf[problem])]),
    ),
    'Generated from the schemas of `src/api/` by `npm run docs`.',
  )
}

function sectionOf(title: string, { summary, description, security, parameters, requestBody, responses }: Operation): string[] {
  const fields = Object.values(requestBody?.content ?? {}).flatMap(({ schema }) => (schema ? [schemaText(schema)] : []))
  return [
    `## ${title}`,
    [summary && `${summary}.`, description, security && 'Needs a Bearer token.'].filter(Boolean).join(' '),
    parameters?.length
      ? table(
          ['Parameter', 'In', 'Value', ''],
          parameters.map(({ name, in: place, required, schema, description: meaning }) => [
            code(name),
            place + (required ? '' : ', optional'),
            schema ? line(schema) : '',
            meaning ?? '',
          ]),
        )
      : '',
    ...(fields.length > 0 ? ['Body:', ...fields] : []),
    table(
      ['Status', 'Answer'],
      Object.entries(responses ?? {}).map(([status, response]) => [status, answer(response)]),
    ),
  ]
}

function answer({ description = '', content }: NonNullable<Operation['responses']>[string]): string {
  const schema = content?.['application/json']?.schema
  return schema ? `${description}: ${line(schema)}` : content ? problemCodes(description) : description
}

/** `a, b: what to do` with the codes as code. */
function problemCodes(description: string): string {
  const [codes = '', ...advice] = description.split(': ')
  return [codes.split(', ').map(code).join(', '), ...advice].join(': ')
}

/** An object's fields as a table; anything else in a line. */
function schemaText(schema: Schema): string {
  const { properties, required = [] } = schema
  if (!properties) return line(schema)
  return table(
    ['Field', 'Value', ''],
    Object.entries(properties).map(([name, field]) => [
      code(name) + (required.includes(name) ? '' : ', optional'),
      line(field),
      field.description ?? '',
    ]),
  )
}

/** A type and its limits. */
function line(schema: Schema): string {
  if (schema.$ref) return linkTo(schema.$ref)
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (choices) return choices.map(line).join(schema.allOf ? ' and ' : ' or ')
  if (schema.enum) return schema.enum.map((value) => code(String(value))).join(' or ') + limits(schema)
  if (schema.items) return `list of ${line(schema.items)}${limits(schema)}`
  if (schema.properties)
    return `{ ${Object.entries(schema.properties)
      .map(fieldIn(schema.required ?? []))
      .join(', ')} }`
  if (typeof schema.additionalProperties === 'object') return `object of ${line(schema.additionalProperties)}`
  return [schema.type ?? 'anything'].flat().join(' or ') + (schema.format ? ` (${schema.format})` : '') + limits(schema)
}

const fieldIn =
  (required: readonly string[]) =>
  ([name, field]: [string, Schema]): string =>
    `${code(name)}: ${line(field)}${required.includes(name) ? '' : ', optional'}`

function limits({ minLength, maxLength, minimum, maximum, pattern, default: value }: Schema): string {
  const said = [
    range(minLength, maxLength, ' characters'),
    range(minimum, maximum, ''),
    pattern && code(pattern),
    value !== undefined && `default ${code(typeof value === 'string' ? value : JSON.stringify(value))}`,
  ].filter(Boolean)
  return said.length > 0 ? `, ${said.join(', ')}` : ''
}

function range(min: number | undefined, max: number | undefined, unit: string): string | undefined {
  const top = max !== undefined && max < Number.MAX_SAFE_INTEGER ? max : undefined
  const bottom = min !== undefined && min > -Number.MAX_SAFE_INTEGER ? min : undefined
  if (bottom === undefined) return top === undefined ? undefined : `at most ${top}${unit}`
  return top === undefined ? `at least ${bottom}${unit}` : `${bottom} to ${top}${unit}`
}

function linkTo(reference: string): string {
  const name = reference.split('/').at(-1)!
  return `[${name}](#${anchorOf(name)})`
}

/** As GitHub makes it of a heading. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-')
