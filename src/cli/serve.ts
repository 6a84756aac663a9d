import { type Command, Option } from 'commander'
import { stopSignal } from './until-stopped.ts'

export const serve = (program: Command): Command =>
  program
    .command('serve')
    .description('runs the HTTP API; SIGTERM finishes the requests in hand')
    .addOption(new Option('--role <role>', 'the routes it has').choices(['read', 'write', 'all']).default('all'))
    .action(async ({ role }: { role: 'read' | 'write' | 'all' }) => {
      const [{ findConfig }, { runApi }, { pino }] = await Promise.all([import('./deployment.ts'), import('./run-api.ts'), import('pino')])
      const config = findConfig()
      const log = pino({ level: config.logLevel, base: { service: 'api', role } })
      const api = await runApi(config, log, role)
      log.info({ url: api.url }, 'API is listening')
      await stopSignal((signal) => log.info({ signal }, 'stopping'))
      await api.stop()
    })
