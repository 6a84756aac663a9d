import { pino } from 'pino'
import type { ApiRole } from '../../src/api/create-app.ts'
import { startApi } from '../../src/api/start-api.ts'
import { readConfig } from '../../src/config.ts'
import { untilStopped } from './until-stopped.ts'

// One API process as it runs in production; prints its URL.
const { role = 'all', ...env } = JSON.parse(process.argv[2]!) as Record<string, string> & { role?: ApiRole }
const log = pino({ level: 'warn' }, pino.destination(2))
const api = await startApi(readConfig(env), log, { role })
console.log(api.url)
untilStopped(() => api.stop())
