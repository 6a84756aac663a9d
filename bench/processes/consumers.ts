import { pino } from 'pino'
import { type ConsumerOptions, startConsumers } from '../../src/consumers/start-consumers.ts'
import { createKeys } from '../../src/redis/keys.ts'
import { untilStopped } from './until-stopped.ts'

// One consumer process as it runs in production.
type Options = Pick<ConsumerOptions, 'redisUrl' | 'mongodbUrl' | 'groups' | 'lanes' | 'hotspots'> & { prefix: string; partitions: number }
const { prefix, partitions, ...options } = JSON.parse(process.argv[2]!) as Options
const log = pino({ level: 'warn' }, pino.destination(2))
const consumers = await startConsumers({
  ...options,
  keys: createKeys(prefix, partitions),
  name: `bench-${process.pid}`,
  idempotencyWindowMs: 3_600_000,
  log,
})
console.log('ready')
untilStopped(() => consumers.stop())
