import { Hono } from 'hono'
import { pino } from 'pino'
import { listen } from '../../src/api/listen.ts'
import { createClient } from '../client.ts'
import { untilStopped } from './until-stopped.ts'

// The floor of a list: bare Hono on the product's listener, which answers every list with the bytes and headers that `path` of the API has now.
const { api, path } = JSON.parse(process.argv[2]!) as { api: string; path: string }
const log = pino({ level: 'warn' }, pino.destination(2))
const ofConnection = new Set(['connection', 'keep-alive', 'date', 'content-length', 'transfer-encoding'])
const client = createClient(api)
const { text, headers } = await client.get(path)
client.close()
const same = Object.fromEntries(Object.entries(headers).flatMap(([name, value]) => (ofConnection.has(name) ? [] : [[name, String(value)]])))
const bytes = Buffer.from(text) // as text each answer would be encoded anew, at twice the cost
const app = new Hono()
app.get('/v1/topics/:topic/comments', (c) => c.body(bytes, 200, same))
const { url, close } = await listen(app.fetch, { host: '127.0.0.1', port: 0, log })
console.log(url)
untilStopped(close)
