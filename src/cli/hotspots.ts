import type { Redis } from 'ioredis'
import { type Command, InvalidArgumentError } from 'commander'
import type { StoresConfig } from '../config.ts'
import type { Keys } from '../redis/keys.ts'
import { TopicId, createTopicPolicy } from '../topics.ts'
import { conditionFalse } from './exit-codes.ts'
import type { HotspotRow } from './hotspots/read-hotspots.ts'
import { timeOf, whyText } from './hotspots/why.ts'
import { atLeast, durationMs } from './options.ts'
import { repeat } from './repeat.ts'
import { type Column, tableOf } from './table.ts'

const policy = createTopicPolicy(['*'])
function topicId(text: string): string {
  if (policy.isAllowed(text)) return text
  throw new InvalidArgumentError(TopicId.safeParse(text).error?.issues[0]?.message ?? 'No comments are on this one.')
}

const columns: readonly Column<HotspotRow>[] = [
  { head: 'TOPIC', value: ({ topic }) => topic },
  { head: 'STATE', value: ({ state }) => state },
  { head: 'BY', value: ({ by }) => by },
  { head: 'SINCE', value: ({ sinceMs }) => timeOf(sinceMs) },
  { head: 'UNTIL', value: ({ untilMs }) => (untilMs === null ? '-' : timeOf(untilMs)) },
  { head: 'WRITES/S', value: ({ writesPerSecond }) => Math.round(writesPerSecond) },
  { head: 'READS/S', value: ({ readsPerSecond }) => Math.round(readsPerSecond) },
  { head: 'BACKLOG', value: ({ backlog }) => backlog ?? '?' },
]

export function hotspots(program: Command): void {
  const verbs = program.command('hotspots').description('topics with a stream of their own, so that no other waits for them')
  list(verbs)
  promoting(verbs)
  demoting(verbs)
  why(verbs)
}

const list = (verbs: Command): Command =>
  verbs
    .command('ls')
    .description('the hotspots, hottest first')
    .option('--watch [seconds]', 'repeat until Ctrl-C', atLeast(1))
    .option('--json', 'a JSON document instead of a table')
    .addHelpText(
      'after',
      `
STATE    hot: new events go to the topic's own stream. draining: they go to the global lane again, the stream is still read.
BY       writes or reads: its rate promoted it, and demotes it. operator: a person did, until UNTIL or by hand.
BACKLOG  events on its stream that the slowest group has not applied yet.`,
    )
    .action(({ watch, json }: { watch?: number | true; json?: true }) =>
      withRedis(async (redis, keys, config) => {
        const { readHotspots } = await import('./hotspots/read-hotspots.ts')
        const show = async () => {
          const { rows } = await readHotspots(redis, keys, config)
          return json ? JSON.stringify(rows) : rows.length === 0 ? 'no topic is hot' : tableOf(columns, rows)
        }
        if (watch === undefined) console.log(await show())
        else await repeat(show, watch === true ? 2 : watch, json !== true && process.stdout.isTTY)
      }),
    )

const promoting = (verbs: Command): Command =>
  verbs
    .command('promote')
    .description('gives a topic a stream of its own, ahead of a landing; its rates do not end it')
    .argument('<topic>', 'its id', topicId)
    .option('--for <time>', 'such as 90s, 30m or 2h; without it until it is demoted by hand', durationMs)
    .addHelpText('after', '\nNew events go there at once; every consumer reads them, and every API process knows, in less than 2 s.')
    .action((topic: string, { for: forMs }: { for?: number }) =>
      withRedis(async (redis, keys) => {
        const { promoteByHand } = await import('../consumers/hotspots/by-hand.ts')
        const untilMs = await promoteByHand(redis, keys, topic, forMs)
        console.log(`${topic} is hot ${untilMs === null ? 'until it is demoted' : `until ${timeOf(untilMs)}`}`)
      }),
    )

const demoting = (verbs: Command): Command =>
  verbs
    .command('demote')
    .description('sends new events of a topic to the global lane again; exits 2 when it is not hot')
    .argument('<topic>', 'its id', topicId)
    .addHelpText(
      'after',
      '\nIts stream is removed when every group has applied it. Its rates do not promote it again for HOT_COOL_DOWN_MS.',
    )
    .action((topic: string) =>
      withRedis(async (redis, keys, config) => {
        const { demoteByHand } = await import('../consumers/hotspots/by-hand.ts')
        const isDone = await demoteByHand(redis, keys, topic, config.hotCoolDownMs)
        console.log(isDone ? `${topic} is not hot any more; what is on its stream is still applied` : `${topic} is not hot`)
        if (!isDone) process.exitCode = conditionFalse
      }),
    )

const why = (verbs: Command): Command =>
  verbs
    .command('why')
    .description('why a topic is hot or is not, and until when; exits 2 when it is not')
    .argument('<topic>', 'its id', topicId)
    .option('--json', 'a JSON document instead of sentences')
    .action((topic: string, { json }: { json?: true }) =>
      withRedis(async (redis, keys, config) => {
        const { readHotspots } = await import('./hotspots/read-hotspots.ts')
        const all = await readHotspots(redis, keys, config)
        const row = all.rows.find((candidate) => candidate.topic === topic)
        const facts = { ...(row ?? { topic, state: 'ordinary', ...all.ratesOf(topic) }), heldUntilMs: all.heldUntilMs(topic) ?? null }
        console.log(json ? JSON.stringify({ ...facts, limits: all.limits, isControlled: all.isControlled }) : whyText(topic, all))
        if (row?.state !== 'hot') process.exitCode = conditionFalse
      }),
    )

async function withRedis(action: (redis: Redis, keys: Keys, config: StoresConfig) => Promise<void>): Promise<void> {
  const [{ findStores }, { quietLog, reachRedis }, { createKeys }] = await Promise.all([
    import('./deployment.ts'),
    import('./connect.ts'),
    import('../redis/keys.ts'),
  ])
  const config = findStores()
  const redis = await reachRedis(config, quietLog())
  try {
    await action(redis, createKeys(config.keyPrefix, config.partitions), config)
  } finally {
    redis.disconnect()
  }
}
