import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Plant, plants } from './drill/plants.ts'
import type { DrillOptions } from './drill/run-drill.ts'
import { Failure } from './failures.ts'
import { atLeast, durationMs } from './options.ts'

type Options = {
  url?: string
  writeUrl?: string
  iRunThisDeployment?: true
  short?: true
  topics: number
  backlog?: number
  for?: number
  json?: true
  report?: string
  plant?: Plant
}

function httpUrl(text: string): string {
  if (!/^https?:\/\//.test(text) || !URL.canParse(text)) throw new InvalidArgumentError('It must be an http or https URL.')
  return text.replace(/\/$/, '')
}

const targeting = `
Without --url it starts Redis, MongoDB and the product in a temporary folder, and removes it. With --url the users' tokens are signed with JWT_SECRET;
what needs the stores is checked where REDIS_URL and MONGODB_URL are set, what needs the processes is listed as not checked.
Exits 2 when a check failed.`

/** The stress test that a team runs before an event. */
export const drill = (program: Command): void => {
  const group = program.command('drill').description('a stress test with a verdict: drill landing, drill soak')
  const verb = (name: string, description: string) =>
    group
      .command(name)
      .description(description)
      .option('--url <base>', 'a running deployment instead of one of its own', httpUrl)
      .option('--write-url <base>', 'where its write API is, if apart', httpUrl)
      .option('--i-run-this-deployment', 'needed for a deployment that is not on this machine')
      .option('--topics <n>', 'topics of the site', atLeast(10), 200)
      .option('--json', 'a JSON document instead of a table')
      .option('--report <file>', 'an HTML page with lag, latency and throughput over time')
      .addOption(new Option('--plant <fault>', 'a fault to be found').choices(plants).hideHelp())
      .addHelpText('after', targeting)

  verb('landing', 'one topic gets 50 times the writes and up to 1,000 times the reads within seconds; at most 6 minutes')
    .option('--short', 'at most 90 s, for every night')
    .option(
      '--backlog <events>',
      'that pile up on the topic while its consumers are frozen (default: 100000; 10000 with --short)',
      atLeast(100),
    )
    .action((options: Options) => run('landing', options))
  verb('soak', 'ordinary traffic for a long time')
    .addOption(new Option('--for <time>', 'how long, such as 10m').argParser(durationMs).default(600_000, '10m'))
    .action((options: Options) => run('soak', options))
}

async function run(
  kind: DrillOptions['kind'],
  { url, writeUrl, iRunThisDeployment, short, topics, backlog, for: soakMs = 0, json, report, plant }: Options,
): Promise<void> {
  if (!url && (writeUrl || iRunThisDeployment)) throw new Failure('usage', '--write-url and --i-run-this-deployment go with --url')
  if (url && plant) throw new Failure('usage', '--plant is for a deployment of the drill itself')
  const { runDrill } = await import('./drill/run-drill.ts')
  await runDrill({
    kind,
    target: url ? { url, ...(writeUrl ? { writeUrl } : {}), isRunByUs: iRunThisDeployment === true } : undefined,
    isShort: short === true,
    topics,
    backlog,
    soakMs,
    json: json === true,
    report,
    plant,
  })
}
