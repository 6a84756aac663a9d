import { html } from 'hono/html'
import type { App } from './app.ts'
import { type Html, type Schema, schemaBlock, schemaLine } from './docs-schema.ts'

export type Document = ReturnType<App['getOpenAPI31Document']>
/** One call of the API and its part of the page. */
export type Call = { id: string; method: string; path: string; section: Html }

type Content = Record<string, { schema?: Schema }>
type Operation = {
  summary?: string
  description?: string
  security?: unknown[]
  parameters?: { name: string; in: string; required?: boolean; description?: string; schema?: Schema }[]
  requestBody?: { content: Content }
  responses?: Record<string, { description?: string; content?: Content; headers?: Record<string, { description?: string }> }>
}

/** All calls, in the order in which they were added. */
export function callsOf(document: Document): Call[] {
  return Object.entries(document.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([verb, operation]) => {
      const method = verb.toUpperCase()
      const id = `${verb}${path.replaceAll(/[^A-Za-z0-9]+/g, '-')}`
      return { id, method, path, section: section(id, method, path, operation) }
    }),
  )
}

const section = (
  id: string,
  method: string,
  path: string,
  { summary, description, security, parameters, requestBody, responses }: Operation,
) =>
  html`<section id="${id}">
    <h2>
      <code><span class="${method}">${method}</span> ${path}</code>
    </h2>
    <p>${summary ?? ''} ${security?.length ? html`<span class="key">Bearer token</span>` : ''}</p>
    ${description ? html`<p>${description}</p>` : ''}
    ${
      parameters?.length
        ? html`<h3>Parameters</h3>
            ${parameterTable(parameters)}`
        : ''
    }
    ${
      requestBody
        ? html`<h3>Body</h3>
            ${contentOf(requestBody.content)}`
        : ''
    }
    <h3>Answers</h3>
    <table>
      <tbody>
        ${Object.entries(responses ?? {}).map(([status, response]) => responseRow(status, response))}
      </tbody>
    </table>
  </section>`

const parameterTable = (parameters: NonNullable<Operation['parameters']>) =>
  html`<table>
    <tbody>
      ${parameters.map(
        ({ name, in: place, required, description, schema }) =>
          html`<tr>
            <td><code>${name}</code> <small>${place}${required ? '' : ', optional'}</small></td>
            <td>${description ? html`${description}<br />` : ''}${schema ? schemaLine(schema) : ''}</td>
          </tr>`,
      )}
    </tbody>
  </table>`

function responseRow(status: string, { description, content, headers }: NonNullable<Operation['responses']>[string]): Html {
  const isProblem = content?.['application/problem+json'] !== undefined
  return html`<tr>
    <td>${status}</td>
    <td>
      ${codesIn(description ?? '')}
      ${Object.entries(headers ?? {}).map(([name, header]) => html`<br /><code>${name}</code> <small>${header.description ?? ''}</small>`)}
      ${content && !isProblem ? contentOf(content) : ''}
    </td>
  </tr>`
}

const contentOf = (content: Content): Html => html`${Object.values(content).map(({ schema }) => (schema ? schemaBlock(schema) : ''))}`

/** Backticks as code, each second piece between them. */
const codesIn = (text: string): Html =>
  html`${text.split('`').map((piece, index) => (index % 2 === 1 ? html`<code>${piece}</code>` : piece))}`
