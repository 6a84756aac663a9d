import { z } from 'zod'
import type { Answer } from './api.ts'

type Schema = Record<string, unknown>
export type Operation = { responses: Record<string, { content?: Record<string, { schema: Schema }> }> }
export type OpenApi = { paths: Record<string, Record<string, Operation>>; components: { schemas: Record<string, Schema> } }
export type Contract = {
  operations: string[]
  /** Throws where an answer of a documented call is not what the document says. */
  check(method: string, path: string, answer: Answer): void
}

/** An OpenAPI document as a check of answers. */
export function readContract(document: OpenApi): Contract {
  const local = (text: string) => text.replaceAll('#/components/schemas/', '#/$defs/')
  const $defs = JSON.parse(local(JSON.stringify(document.components.schemas))) as Schema
  const compiled = new Map<Schema, z.ZodType>()
  const validatorOf = (schema: Schema) => {
    const known = compiled.get(schema) ?? z.fromJSONSchema({ ...JSON.parse(local(JSON.stringify(schema))), $defs })
    compiled.set(schema, known)
    return known
  }
  const routes = Object.entries(document.paths).map(([template, operations]) => ({
    template,
    pattern: new RegExp(`^${template.replaceAll(/\{\w+\}/g, '[^/]+')}$`),
    operations,
  }))
  return {
    operations: routes.flatMap(({ template, operations }) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${template}`),
    ),
    check(method, path, { status, headers, body, text }) {
      const route = routes.find(({ pattern }) => pattern.test(path.split('?')[0]!))
      const operation = route?.operations[method.toLowerCase()]
      if (!operation) return
      const call = `${method} ${route.template} ${status}`
      const documented = operation.responses[status]
      if (!documented) throw new Error(`${call} is not documented: ${text}`)
      const type = headers.get('content-type')?.split(';')[0]
      if (!documented.content) {
        if (text !== '') throw new Error(`${call} should have no body: ${text}`)
        return
      }
      const content = documented.content[type ?? '']
      if (!content) throw new Error(`${call} came as ${type}`)
      const { error } = validatorOf(content.schema).safeParse(body)
      if (error) throw new Error(`${call} does not fit its schema: ${z.prettifyError(error)}\n${text}`)
    },
  }
}
