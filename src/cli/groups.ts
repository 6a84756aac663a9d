import type { Command } from 'commander'
import type { GroupLag } from '../consumers/lag.ts'
import { conditionFalse } from './exit-codes.ts'
import { atLeast } from './options.ts'
import { repeat } from './repeat.ts'
import { type Column, durationOf, tableOf } from './table.ts'

const unknown = (n: number | null) => n ?? '?'
const columns: readonly Column<GroupLag>[] = [
  { head: 'GROUP', value: ({ group }) => group },
  { head: 'LANE', value: ({ lane }) => lane },
  { head: 'STREAMS', value: ({ streams }) => streams },
  { head: 'HEAD', value: ({ head }) => head },
  { head: 'POSITION', value: ({ position }) => unknown(position) },
  { head: 'LAG', value: ({ lagEvents }) => unknown(lagEvents) },
  { head: 'PENDING', value: ({ pending }) => pending },
  { head: 'OLDEST', value: ({ oldestPendingMs }) => durationOf(oldestPendingMs) },
  { head: 'TIME-LAG', value: ({ lagMs }) => (lagMs === null ? '?' : durationOf(lagMs)) },
  { head: 'CONSUMERS', value: ({ consumers }) => consumers },
  { head: 'STATUS', value: ({ status }) => status },
]

export const groups = (program: Command): Command =>
  program
    .command('groups')
    .description('how far each consumer group is behind the log; exits 2 when one is behind more than --max-lag, or by how much is unknown')
    .option('--max-lag <events>', 'events not delivered, or pending, that still count as healthy', atLeast(0), 1_000)
    .option('--watch [seconds]', 'repeat until Ctrl-C', atLeast(1))
    .option('--json', 'a JSON document instead of a table')
    .addHelpText('after', '\nIn capitals: UNKNOWN, MISSING (no such group), LOST (trimmed before the group had it).')
    .action(async ({ maxLag, watch, json }: { maxLag: number; watch?: number | true; json?: true }) => {
      const [{ findStores }, { quietLog, reachRedis }, { createKeys }, { readLag }] = await Promise.all([
        import('./deployment.ts'),
        import('./connect.ts'),
        import('../redis/keys.ts'),
        import('../consumers/lag.ts'),
      ])
      const config = findStores()
      const redis = await reachRedis(config, quietLog())
      const keys = createKeys(config.keyPrefix, config.partitions)
      const show = async () => {
        const rows = await readLag(redis, keys)
        process.exitCode = rows.every((row) => isHealthy(row, maxLag)) ? 0 : conditionFalse
        return json ? JSON.stringify(rows) : tableOf(columns, rows)
      }
      try {
        if (watch === undefined) console.log(await show())
        else await repeat(show, watch === true ? 2 : watch, json !== true && process.stdout.isTTY)
      } finally {
        redis.disconnect()
      }
    })

const isHealthy = ({ lagEvents, pending }: GroupLag, maxLag: number) => lagEvents !== null && lagEvents + pending <= maxLag
