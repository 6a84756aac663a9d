import { Hono } from 'hono'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { idempotencyKeyOf } from './idempotency-key.ts'
import { createOnError } from './problem.ts'

const app = new Hono()
app.onError(createOnError(pino({ level: 'silent' })) as never)
app.put('/', (c) => c.json({ key: idempotencyKeyOf(c) ?? null }))
const ask = async (headers: Record<string, string>) => (await app.request('/', { method: 'PUT', headers })).json()

test('a key is taken', async () => {
  expect(await ask({ 'idempotency-key': 'a-1/"b"' })).toEqual({ key: 'a-1/"b"' })
  expect(await ask({})).toEqual({ key: null })
})

test.each(['', 'a b', 'é', 'x'.repeat(129)])('%j is refused', async (key) =>
  expect(await ask({ 'idempotency-key': key })).toMatchObject({
    status: 422,
    code: 'invalid-input',
    issues: [{ path: 'Idempotency-Key' }],
  }),
)
