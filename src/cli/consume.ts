import { constants, hostname, setPriority } from 'node:os'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { laneKinds, type LaneKind } from '../consumers/streams.ts'
import { type GroupName, groupNames } from '../events/groups.ts'
import { Failure, reasonOf } from './failures.ts'
import { atLeast, namesOf } from './options.ts'
import { stopSignal } from './until-stopped.ts'

type Options = {
  groups: GroupName[]
  lanes: LaneKind[]
  concurrency: number
  hotBatch: number
  hotDuty: number
  name: string
  claimAfter?: number
}

function consumerName(name: string): string {
  if (!/^[\w.:-]{1,64}$/.test(name)) throw new InvalidArgumentError('It must be 1 to 64 of A-Z a-z 0-9 _ . : -')
  return name
}

export const consume = (program: Command): Command =>
  program
    .command('consume')
    .description('runs consumers; SIGTERM finishes the batch in hand')
    .addOption(new Option('--groups <names>', 'groups to run, with commas').argParser(namesOf(groupNames)).default([...groupNames], 'all'))
    .addOption(
      new Option('--lanes <kinds>', `of ${laneKinds.join(', ')}, with commas`).argParser(namesOf(laneKinds)).default([...laneKinds], 'all'),
    )
    .option('--concurrency <n>', 'readers of the global lane of each group', atLeast(1), 1)
    .option('--hot-batch <n>', 'entries that the hot lane writes at once', atLeast(1, 1_000), 100)
    .option('--hot-duty <percent>', 'share of the time that the hot lane may write, at most', atLeast(1, 100), 50)
    .addOption(
      new Option('--name <name>', 'of this consumer; it takes up what it had in hand under the same name')
        .argParser(consumerName)
        .default(hostname(), 'the host'),
    )
    .addOption(new Option('--claim-after <ms>', 'how long an entry lies with a dead consumer').argParser(atLeast(100)).hideHelp())
    .action(async ({ groups, lanes, concurrency, hotBatch, hotDuty, name, claimAfter: claimAfterMs }: Options) => {
      const [{ findStores }, { limitsIn }, { startConsumers }, { createKeys }, { pino }] = await Promise.all([
        import('./deployment.ts'),
        import('./hotspots/read-hotspots.ts'),
        import('../consumers/start-consumers.ts'),
        import('../redis/keys.ts'),
        import('pino'),
      ])
      const config = findStores()
      const { redisUrl, mongodbUrl, keyPrefix, partitions, idempotencyWindowMs, logLevel } = config
      const log = pino({ level: logLevel, base: { service: 'consumer', name } })
      const stopped = stopSignal((signal) => log.info({ signal }, 'stopping'))
      const keys = createKeys(keyPrefix, partitions)
      const hot = { batchSize: hotBatch, dutyPercent: hotDuty }
      const of = { groups, lanes, concurrency, hot, hotspots: limitsIn(config) }
      const options = { redisUrl, mongodbUrl, keys, name, claimAfterMs, idempotencyWindowMs, log, ...of }
      // On a machine that they share, the others' processes come first.
      if (lanes.every((lane) => lane === 'hot')) setPriority(constants.priority.PRIORITY_BELOW_NORMAL)
      const consumers = await startConsumers(options)
      log.info({ groups, lanes, concurrency }, 'consuming')
      const failure = await Promise.race([stopped, consumers.failed.catch((error: unknown) => error)])
      await consumers.stop()
      if (failure === undefined) return
      log.fatal({ reason: reasonOf(failure) }, 'a lane stopped: a person has to act')
      throw new Failure('error', reasonOf(failure))
    })
