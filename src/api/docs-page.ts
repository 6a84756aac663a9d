import { html, raw } from 'hono/html'
import type { App } from './app.ts'
import { type Document, callsOf } from './docs-calls.ts'
import { type Schema, schemaBlock } from './docs-schema.ts'
import { style } from './docs-style.ts'
import { type ProblemCode, statusOf } from './problem.ts'

const about = {
  openapi: '3.1.0',
  info: {
    title: 'Ovation',
    version: '1',
    description:
      'Comments that hold when the artist walks in. Reads are anonymous; writes carry a Bearer JWT. Every refusal is a problem document (RFC 9457) with a stable code.',
  },
}
const policy = "default-src 'none'; style-src 'unsafe-inline'"

/** The OpenAPI document of an app's calls. */
export function documentOf(app: App): Document {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' })
  return app.getOpenAPI31Document(about)
}

/** `/openapi.json`, and `/docs` made from it: one page without scripts or anything from elsewhere. `described`: the calls of the whole service. */
export function addDocs(app: App, described: () => App): void {
  let document: Document | undefined
  const read = () => (document ??= documentOf(described()))
  app.get('/openapi.json', (c) => c.json(read()))
  app.get('/docs', (c) => {
    c.header('Content-Security-Policy', policy)
    return c.html(docsPage(read()))
  })
}

/** The whole page. Everything in it comes from the document and the table of problems. */
export function docsPage(document: Document) {
  const calls = callsOf(document)
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <title>${document.info.title} API</title>
        <style>
          ${raw(style)}
        </style>
      </head>
      <body>
        <nav aria-label="Calls">
          <strong>${document.info.title} API</strong>
          ${calls.map((call) => html`<a href="#${call.id}"><b class="${call.method}">${call.method}</b> ${call.path}</a>`)}
          <a href="#problems">Problems</a>
          <a href="/openapi.json">openapi.json</a>
        </nav>
        <main>
          <h1>${document.info.title} API, version ${document.info.version}</h1>
          <p>${document.info.description}</p>
          ${calls.map((call) => call.section)} ${schemas(document)} ${problems()}
        </main>
      </body>
    </html>`
}

const schemas = (document: Document) =>
  Object.entries(document.components?.schemas ?? {}).map(
    ([name, schema]) =>
      html`<section id="schema-${name}">
        <h2>${name}</h2>
        ${schemaBlock(schema as Schema)}
      </section>`,
  )

const problems = () =>
  html`<section id="problems">
    <h2>Problems</h2>
    <table>
      <thead>
        <tr>
          <th>Status</th>
          <th>Code</th>
        </tr>
      </thead>
      <tbody>
        ${(Object.keys(statusOf) as ProblemCode[]).map(
          (code) =>
            html`<tr>
              <td>${statusOf[code]}</td>
              <td><code>${code}</code></td>
            </tr>`,
        )}
      </tbody>
    </table>
  </section>`
