import { readFileSync } from 'node:fs'
import type { Hono } from 'hono'

const file = (name: string) => readFileSync(new URL(name, import.meta.url), 'utf8')
const policy = "default-src 'self'; style-src 'unsafe-inline'; img-src 'self' data: https:; base-uri 'none'; frame-ancestors 'none'"

/** The demo page at `/`. */
export function addPages(app: Pick<Hono, 'get'>): void {
  const [page, script] = [file('index.html'), file('page.js')]
  app.get('/', (c) => c.html(page, 200, { 'Content-Security-Policy': policy, 'Cache-Control': 'no-cache' }))
  app.get('/page.js', (c) => c.body(script, 200, { 'Content-Type': 'text/javascript; charset=utf-8', 'Cache-Control': 'no-cache' }))
}
