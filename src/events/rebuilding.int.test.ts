import type { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, quiet, until } from '../../test/deployment.ts'
import { reconcileOf } from '../../test/reconciling.ts'
import { createConsumerRedis } from '../consumers/consumer-redis.ts'
import { collectionsOf } from '../mongo/collections.ts'
import { connectMongo } from '../mongo/connect.ts'
import { reconcile, reconcileLater } from './reconcile.ts'

let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment({ partitions: 1 })
})
afterEach(() => ovation.close())

const partition = () => ovation.keys.partitions[0]!
const marker = () => ovation.redis.get(partition().rebuilding)
const post = (topic = 'song:a') => commandsOn(ovation.append).post(topic, 'ann')

/** What FLUSHALL does to this deployment's part of the server. */
async function empty(): Promise<void> {
  const names = await ovation.redis.keys(`${ovation.keys.prefix}*`)
  if (names.length > 0) await ovation.redis.unlink(...names)
}

/** A connection on which one command is preceded by something else. */
const before = (redis: Redis, name: 'script' | 'hmget', act: (args: unknown[]) => Promise<void>): Redis =>
  new Proxy(redis, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      if (property !== name) return value.bind(target) as unknown
      return async (...args: unknown[]) => {
        const answer: unknown = await (value as (...args: unknown[]) => Promise<unknown>).apply(target, args)
        await act(args)
        return answer
      }
    },
  })

test('opened first while MongoDB was away, the models are served once MongoDB was asked', async () => {
  await openBlindly()
  expect(await marker()).toBe('later')
  for (let i = 0; i < 3; i++) await post()
  await ovation.consume()
  await ovation.caughtUp()
  await until(async () => (await marker()) === null)
})

/** As a process that finds MongoDB away opens a partition. */
async function openBlindly(): Promise<void> {
  const away = connectMongo('mongodb://127.0.0.1:1/?serverSelectionTimeoutMS=100', { poolSize: 1, purpose: 'read' })
  const { events, settings } = collectionsOf(away.db)
  await reconcile({ ...reconcileOf(ovation), events, settings, log: quiet }, partition())
  await away.close()
}

/** What three comments leave of a server that was emptied while MongoDB was away. */
async function archivedThenEmptied(): Promise<void> {
  for (let i = 0; i < 3; i++) await post()
  const consumers = await ovation.consume()
  await ovation.caughtUp()
  await consumers.stop()
  await empty()
  await openBlindly()
  expect(await marker()).toBe('later')
}
const lastOfPriority = async () => (await ovation.redis.xrevrange(partition().lane('priority'), '+', '-', 'COUNT', 1))[0]?.[0]

test('opened blindly after it was emptied, a server has to read what is written again later', async () => {
  await archivedThenEmptied()
  await reconcileLater(reconcileOf(ovation), partition())
  expect(await lastOfPriority()).toBeDefined()
  expect(await marker()).toBe(await lastOfPriority())
})

test('opened blindly and then once more with MongoDB, it is marked as well, and its models are served in the end', async () => {
  await archivedThenEmptied()
  const term = Number(await ovation.redis.hget(partition().meta, 'term'))
  await reconcile(reconcileOf(ovation), partition(), term)
  expect(await marker()).toBe(await lastOfPriority())
  await ovation.consume()
  await until(async () => (await marker()) === null)
})

test('an emptied server is marked also where the process that wrote everything again died before it opened', async () => {
  for (let i = 0; i < 3; i++) await post()
  const consumers = await ovation.consume()
  await ovation.caughtUp()
  await consumers.stop()
  await empty()
  const dying = before(ovation.redis, 'script', async ([command]) => {
    if (command === 'LOAD') throw new Error('killed')
  })
  await expect(reconcile({ ...reconcileOf(ovation), redis: dying }, partition())).rejects.toThrow('killed')
  await reconcile(reconcileOf(ovation), partition())
  const [last] = await ovation.redis.xrevrange(partition().lane('priority'), '+', '-', 'COUNT', 1)
  expect(await ovation.redis.xlen(partition().lane('priority'))).toBe(3)
  expect(await marker()).toBe(last![0])
  await ovation.consume()
  await until(async () => (await marker()) === null)
})

test('what is archived late while an earlier range is compared is not forgotten with it', async () => {
  for (let i = 0; i < 3; i++) await post()
  const entries = (await ovation.redis.xrange(partition().lane('global'), '-', '+')).map(([id]) => id)
  await ovation.redis.xtrim(partition().lane('global'), 'MAXLEN', 0) // as if the server had lost them
  const stream = { key: partition().lane('global'), partition: partition(), lane: 'global' }
  const store = createConsumerRedis(ovation.redis, 'store', 'c')
  await store.acknowledgeArchived(stream, [entries[0]!, entries[2]!])
  const racing = before(ovation.redis, 'hmget', async (args) => {
    if (args.includes('lateSeen')) await store.acknowledgeArchived(stream, [entries[1]!])
  })
  await reconcileLater({ ...reconcileOf(ovation), redis: racing }, partition())
  expect(await ovation.redis.hmget(partition().meta, 'lateFrom', 'lateTo')).toEqual([entries[0], entries[2]])
  await reconcileLater(reconcileOf(ovation), partition())
  expect(await ovation.redis.hmget(partition().meta, 'lateFrom', 'lateTo', 'lateSeen')).toEqual([null, null, null])
})
