import { Redis } from 'ioredis'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn, commentOf } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import type { Outcome } from './append.ts'
import { fieldsOf } from './append.ts'
import type { Snapshot } from './comment-events.ts'
import { demote, promote } from './hotspots.ts'
import { commentIdAt, entryAt, positionOfComment } from './position.ts'
import type { Recorded } from './recorded.ts'

const topic = 'song:a'
let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment({ partitions: 1 })
})
afterEach(() => ovation.close())

const partition = () => ovation.keys.partitions[0]!
const commands = () => commandsOn(ovation.append)
const eventOf = (outcome: Outcome): Recorded => {
  if (!('event' in outcome)) throw new Error(outcome.kind)
  return outcome.event
}
const dataOf = (outcome: Outcome) => (eventOf(outcome) as Recorded<'comment.posted'>).data
const targetsOf = (outcome: Outcome): readonly Snapshot[] | undefined => dataOf(outcome).personal?.targets
const streamOf = async (lane: string) =>
  (await ovation.redis.xrange(partition().lane(lane), '-', '+')).map(([entryId, flat]): Record<string, string> => ({
    entryId,
    ...fieldsOf(flat),
  }))

/** Every key of the deployment with its value. */
async function keyspace(): Promise<Record<string, unknown>> {
  const keys = (await ovation.redis.keys(`${ovation.keys.prefix}*`)).toSorted()
  return Object.fromEntries(await Promise.all(keys.map(async (key) => [key, (await ovation.redis.dumpBuffer(key))?.toString('base64')])))
}
async function leavesNothing(refused: () => Promise<unknown>): Promise<void> {
  const before = await keyspace()
  await refused()
  expect(await keyspace()).toEqual(before)
}

describe('positions', () => {
  test('increase across all lanes of a partition, also when its clock is ahead of the wall clock', async () => {
    await promote(ovation.redis, ovation.keys, 'song:hot')
    const { post } = commands()
    await post(topic, 'ann')
    await ovation.redis.hset(partition().meta, 'clock', `${Date.now() + 3_600_000}-7`)
    const outcomes: Outcome[] = []
    for (let i = 0; i < 30; i++) outcomes.push(await post(i % 3 ? topic : 'song:hot', 'ann', { priority: i % 4 === 0 }))
    const positions = outcomes.map((outcome) => eventOf(outcome).position)
    expect(positions).toEqual(positions.toSorted())
    expect(new Set(positions).size).toBe(30)
    expect(new Set(outcomes.map((outcome) => eventOf(outcome).lane))).toEqual(new Set(['global', 'priority', 'hot:song:hot']))
    expect(eventOf(outcomes[0]!).at.getTime()).toBeLessThan(Date.now() + 60_000) // the time is the wall clock's all the same
  })

  test('go on in the next millisecond after n = 999,999', async () => {
    const { post } = commands()
    await post(topic, 'ann')
    const ms = Date.now() + 3_600_000
    await ovation.redis.hset(partition().meta, 'clock', `${ms}-999998`)
    const positions = [await post(topic, 'ann'), await post(topic, 'ann'), await post(topic, 'ann')].map(
      (outcome) => eventOf(outcome).position,
    )
    expect(positions).toEqual([`${ms}-999999`, `${ms + 1}-000000`, `${ms + 1}-000001`])
  })

  test('go above a stream whose top is higher than the clock, in a new term', async () => {
    const { post } = commands()
    await post(topic, 'ann')
    const ms = Date.now() + 60_000
    await ovation.redis.xadd(partition().lane('global'), `${ms}-5`, 'planted', 'entry')
    await ovation.redis.hset(partition().meta, 'clock', '0-0')
    const outcome = await post(topic, 'ann', { key: 'k' })
    expect(outcome).toMatchObject({ kind: 'appended', event: { term: 2 } })
    expect(eventOf(outcome).position > `${ms}-000005`).toBe(true)
  })

  test('seq counts each lane without gaps, whatever was refused between', async () => {
    await promote(ovation.redis, ovation.keys, 'song:hot')
    const { post, edit } = commands()
    const root = commentOf(await post(topic, 'ann'))
    for (let i = 0; i < 20; i++) {
      await post(i % 3 ? topic : 'song:hot', 'ann', { priority: i % 4 === 0 })
      await edit(topic, 'eve', root, 'x').catch(() => {})
    }
    for (const lane of ['global', 'priority', 'hot:song:hot']) {
      const entries = await streamOf(lane)
      expect(entries.map(({ seq }) => Number(seq))).toEqual(entries.map((_, i) => i + 1))
    }
  })
})

describe('the lane', () => {
  const laneOf = async (outcome: Promise<Outcome>) => eventOf(await outcome).lane

  test('is global, the hot one from the first write after promotion until demotion, priority for those who may', async () => {
    const { post } = commands()
    expect(await laneOf(post(topic, 'ann'))).toBe('global')
    await promote(ovation.redis, ovation.keys, topic)
    expect(await laneOf(post(topic, 'ann'))).toBe('hot:song:a')
    expect(await laneOf(post('song:other', 'ann'))).toBe('global')
    expect(await laneOf(post(topic, 'star', { priority: true }))).toBe('priority')
    await demote(ovation.redis, ovation.keys, topic)
    expect(await laneOf(post(topic, 'ann'))).toBe('global')
    await promote(ovation.redis, ovation.keys, topic)
    expect(await laneOf(post(topic, 'ann'))).toBe('hot:song:a')
    expect((await streamOf('hot:song:a')).map(({ seq }) => seq)).toEqual(['1', '2'])
  })
})

describe('a refusal leaves the keyspace as it was', () => {
  test('not the author, edit window over, no such comment, an id that is none', async () => {
    const { posted, edit, like, post } = commands()
    const root = await posted(topic, 'ann')
    const late = { target: { commentId: root, mustBeAuthor: true, rootOf: 'comment' as const, windowMs: -1 } }
    await leavesNothing(async () => {
      await expect(edit(topic, 'eve', root, 'x')).rejects.toMatchObject({ code: 'not-the-author' })
      await expect(
        ovation.append({
          type: 'comment.edited',
          topic,
          actor: 'ann',
          correlationId: 'c',
          facts: { commentId: root },
          personal: { body: 'x' },
          ...late,
        }),
      ).rejects.toMatchObject({ code: 'edit-window-over' })
      await expect(like(topic, 'ann', commentIdAt('1700000000000-000000'))).rejects.toMatchObject({ code: 'not-found' })
      await expect(like(topic, 'ann', 'no id')).rejects.toMatchObject({ code: 'not-found' })
      await expect(like('song:other', 'ann', root)).rejects.toMatchObject({ code: 'not-found' })
      await expect(post(topic, 'ann', { parentId: commentIdAt('1700000000000-000000') })).rejects.toMatchObject({ code: 'not-found' })
    })
  })

  test('another request under a key that was used', async () => {
    const { post } = commands()
    await post(topic, 'ann', { key: 'k', body: 'one' })
    await leavesNothing(() =>
      expect(post(topic, 'ann', { key: 'k', body: 'two' })).rejects.toMatchObject({ code: 'idempotency-key-reused' }),
    )
  })

  test('a removed comment; removing it again is no change', async () => {
    const { posted, edit, remove } = commands()
    const root = await posted(topic, 'ann')
    await remove(topic, 'ann', root)
    await ovation.consume({ groups: ['feed'] })
    await until(async () => (await ovation.redis.hlen(partition().feed(topic))) > 2)
    await leavesNothing(async () => {
      await expect(edit(topic, 'ann', root, 'x')).rejects.toMatchObject({ code: 'not-found' })
      expect(await remove(topic, 'ann', root)).toEqual({ kind: 'unchanged' })
    })
  })

  test('a request that arrives after its deadline', async () => {
    const { post } = commands()
    await post(topic, 'ann')
    const short = createDeployment({ partitions: 1, id: ovation.id, idempotencyWindowMs: -60_000 })
    await leavesNothing(() => expect(commandsOn(short.append).post(topic, 'ann')).rejects.toMatchObject({ code: 'request-expired' }))
    short.redis.disconnect()
  })
})

describe('a target', () => {
  test('is carried by a pin as its creation wrote it', async () => {
    const { post, edit, pin } = commands()
    const root = await post(topic, 'ann', { body: 'a "body" / with \\ and 💙 ü' })
    await edit(topic, 'ann', commentOf(root), 'later')
    const { position, actor, at } = eventOf(root)
    expect(targetsOf(await pin(topic, commentOf(root)))).toEqual([{ position, actor, at: at.getTime(), data: dataOf(root) }])
  })

  test('of an artist is carried with its root, without the targets that it carries itself', async () => {
    const { post } = commands()
    const reply = (parentId: string) =>
      post(topic, 'star', { parentId, target: { commentId: parentId, rootOf: 'reply', withSnapshot: true } })
    const root = await post(topic, 'ann')
    const first = await reply(commentOf(root))
    expect(targetsOf(first)?.map(({ position }) => position)).toEqual([eventOf(root).position])
    const second = await reply(commentOf(first))
    expect(targetsOf(second)?.map(({ position }) => position)).toEqual([eventOf(first).position, eventOf(root).position])
    expect(targetsOf(second)?.[0]?.data).toEqual({ ...dataOf(first), personal: { name: 'star', body: 'by star' } })
    const third = await reply(commentOf(second))
    expect(targetsOf(third)?.map(({ position }) => position)).toEqual([eventOf(second).position, eventOf(root).position])
    expect(targetsOf(third)?.every(({ data }) => data.personal && !('targets' in data.personal))).toBe(true)
    expect(dataOf(third)).toMatchObject({ parentId: commentOf(second), rootId: commentOf(root) })
  })

  test('is the same from the log as from the feed', async () => {
    const { posted, pin, post } = commands()
    const root = await posted(topic, 'ann')
    const reply = await post(topic, 'star', { parentId: root, target: { commentId: root, rootOf: 'reply', withSnapshot: true } })
    const fromLog = targetsOf(await pin(topic, commentOf(reply)))
    const consumers = await ovation.consume({ groups: ['feed'] })
    await until(async () => (await ovation.redis.hexists(partition().feed(topic), eventOf(reply).position)) === 1)
    await consumers.stop()
    await ovation.redis.xdel(partition().lane('global'), entryAt(eventOf(reply).position))
    expect(targetsOf(await pin(topic, commentOf(reply)))).toEqual(fromLog)
  })

  test('that was deleted stays so when it is too old for the feed', async () => {
    const { posted, remove, post, edit } = commands()
    const root = await posted(topic, 'ann')
    await remove(topic, 'ann', root)
    const consumers = await ovation.consume({ groups: ['counts'] })
    await until(async () => (await ovation.redis.hexists(partition().count(topic), `d:${positionOfComment(root)!}`)) === 1)
    await consumers.stop()
    for (const change of [post(topic, 'bob', { parentId: root }), edit(topic, 'ann', root, 'changed')])
      await expect(change).rejects.toMatchObject({ code: 'not-found' })
    expect(await remove(topic, 'ann', root)).toEqual({ kind: 'unchanged' })
  })

  test('that MongoDB does not know to be deleted yet, and the counts do, takes no reply', async () => {
    const { posted, post } = commands()
    const root = await posted(topic, 'ann')
    const consumers = await ovation.consume()
    await ovation.caughtUp()
    await consumers.stop()
    await ovation.redis.del(partition().feed(topic), partition().lane('global'))
    await ovation.redis.hset(partition().count(topic), `d:${positionOfComment(root)!}`, 'as counts writes it')
    await expect(post(topic, 'bob', { parentId: root })).rejects.toMatchObject({ code: 'not-found' })
  })

  test('that only MongoDB knows is asked for there', async () => {
    const { posted, like, pin } = commands()
    const root = await posted(topic, 'ann')
    const consumers = await ovation.consume()
    await ovation.caughtUp()
    await consumers.stop()
    await ovation.redis.del(partition().feed(topic), partition().lane('global'))
    expect(await like(topic, 'bob', root)).toMatchObject({ kind: 'appended' })
    expect(targetsOf(await pin(topic, root))).toMatchObject([{ actor: 'ann', data: { personal: { name: 'ann', body: 'by ann' } } }])
  })

  test.each(['zero \u0000', '\u2028', '{"targets":[1]}', '"targets":[', '🎤'.repeat(5)])(
    'with the text %j can be replied to, edited and pinned',
    async (body) => {
      const { posted, edit, pin } = commands()
      const root = await posted(topic, 'ann', { body })
      const reply = await posted(topic, 'star', { parentId: root, body, target: { commentId: root, rootOf: 'reply', withSnapshot: true } })
      await edit(topic, 'ann', root, body)
      const pinned = await pin(topic, reply)
      expect(targetsOf(pinned)?.[0]?.data.personal?.body).toBe(body)
    },
  )
})

test('the script is sent by EVALSHA only: no server is taught it but by reconciling', async () => {
  const { posted, like } = commands()
  await posted(topic, 'ann')
  const calls = async (name: string) => {
    const stats = await ovation.redis.info('commandstats')
    return Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(stats)?.[1] ?? 0)
  }
  const monitor = await new Redis(ovation.redisUrl).monitor()
  const seen: string[][] = []
  monitor.on('monitor', (_, args: string[]) => seen.push(args))
  const before = await calls('evalsha')
  const root = await posted(topic, 'ann')
  await like(topic, 'bob', root)
  await until(async () => seen.filter((args) => args.some((arg) => arg === partition().hotspots)).length >= 2)
  monitor.disconnect()
  expect(await calls('evalsha')).toBeGreaterThanOrEqual(before + 2)
  const ours = seen.filter((args) => args.some((arg) => arg.startsWith(ovation.keys.prefix)) && /^(eval|evalsha|script)$/i.test(args[0]!))
  expect(ours.map(([name]) => name!.toLowerCase())).toEqual(['evalsha', 'evalsha'])
})
