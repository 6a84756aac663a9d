import { pino } from 'pino'
import { startApi } from '../../src/api/start-api.ts'
import { readConfig } from '../../src/config.ts'

// One API process as it runs in production; prints its URL.
const log = pino({ level: 'warn' }, pino.destination(2))
const api = await startApi(readConfig(JSON.parse(process.argv[2]!) as Record<string, string>), log, { role: 'all' })
console.log(api.url)
process.once('SIGTERM', () => void api.stop().then(() => process.exit(0)))
