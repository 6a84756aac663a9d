import { html } from 'hono/html'
import type { HtmlEscapedString } from 'hono/utils/html'

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>
/** A JSON schema, as far as this page reads it. */
export type Schema = {
  $ref?: string
  type?: string | string[]
  format?: string
  description?: string
  enum?: unknown[]
  const?: unknown
  default?: unknown
  pattern?: string
  minLength?: number
  maxLength?: number
  minimum?: number
  maximum?: number
  minItems?: number
  maxItems?: number
  items?: Schema
  properties?: Record<string, Schema>
  required?: string[]
  additionalProperties?: boolean | Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  allOf?: Schema[]
}

/** A type and its limits, in a line. */
export function schemaLine(schema: Schema): Html {
  if (schema.$ref) return linkOf(schema.$ref)
  const choices = schema.anyOf ?? schema.oneOf ?? schema.allOf
  if (choices)
    return html`${choices.map((choice, index) => html`${index > 0 ? (schema.allOf ? ' and ' : ' or ') : ''}${schemaLine(choice)}`)}`
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`
  if (schema.enum) return html`${schema.enum.map((value, index) => html`${index > 0 ? ' or ' : ''}<code>${JSON.stringify(value)}</code>`)}`
  if (schema.items) return html`array of ${schemaLine(schema.items)} ${limits(schema)}`
  if (typeof schema.additionalProperties === 'object') return html`object of ${schemaLine(schema.additionalProperties)}`
  const type = [schema.type ?? 'anything'].flat().join(' or ')
  return html`${type}${schema.format ? ` (${schema.format})` : ''} ${limits(schema)}`
}

function limits(schema: Schema): Html {
  const said = [
    range(schema.minLength, schema.maxLength, ' characters'),
    range(schema.minItems, schema.maxItems, ' items'),
    range(schema.minimum, schema.maximum, ''),
    schema.pattern && `matches ${schema.pattern}`,
    schema.default !== undefined && `default ${JSON.stringify(schema.default)}`,
  ].filter(Boolean)
  return html`<small>${said.join('; ')}</small>`
}

function range(min: number | undefined, max: number | undefined, unit: string): string | undefined {
  const top = max === undefined || Math.abs(max) >= Number.MAX_SAFE_INTEGER ? undefined : max
  const bottom = min === undefined || Math.abs(min) >= Number.MAX_SAFE_INTEGER ? undefined : min
  if (bottom === undefined) return top === undefined ? undefined : `at most ${top}${unit}`
  return top === undefined ? `at least ${bottom}${unit}` : `${bottom} to ${top}${unit}`
}

/** An object's fields as a table, nested ones within; anything else in a line. */
export function schemaBlock(schema: Schema): Html {
  const inner = schema.items?.properties ? schema.items : schema
  if (!inner.properties) return html`<p>${schemaLine(schema)}</p>`
  const rows = Object.entries(inner.properties).map(([name, field]) => row(name, field, inner.required?.includes(name) ?? false))
  return html`${schema.items ? html`<p>array of</p>` : ''}
    <table>
      <tbody>
        ${rows}
      </tbody>
    </table>`
}

function row(name: string, field: Schema, isRequired: boolean): Html {
  const isNested = field.properties ?? field.items?.properties
  return html`<tr>
    <td><code>${name}</code>${isRequired ? '' : html` <small>optional</small>`}</td>
    <td>${field.description ? html`${field.description}<br />` : ''}${isNested ? schemaBlock(field) : schemaLine(field)}</td>
  </tr>`
}

function linkOf(reference: string): Html {
  const name = reference.split('/').at(-1)!
  return html`<a href="#schema-${name}">${name}</a>`
}
