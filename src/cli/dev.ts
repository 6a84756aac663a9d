import type { Command } from 'commander'

export const dev = (program: Command): Command =>
  program
    .command('dev')
    .description('all of it in this folder (npm start): Redis, MongoDB, API and consumers, with the comments of three videos')
    .addHelpText('after', '\nData and log are in .ovation. PORT (8080), REDIS_URL, MONGODB_URL and JWT_SECRET are used where they are set.')
    .action(async () => {
      const { runDev } = await import('./dev/run-dev.ts')
      await runDev()
    })
