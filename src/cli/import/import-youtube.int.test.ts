import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Redis } from 'ioredis'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { type RunningConsumers, startConsumers } from '../../consumers/start-consumers.ts'
import { openLog } from '../../events/open-log.ts'
import { type Collections, collectionsOf, ensureIndexes } from '../../mongo/collections.ts'
import { type MongoConnection, connectMongo } from '../../mongo/connect.ts'
import { connectRedis } from '../../redis/connect.ts'
import { createKeys } from '../../redis/keys.ts'
import { type ImportReport, importYoutube } from './import-youtube.ts'
import { waitForStore } from './wait-for-store.ts'

const log = pino({ level: 'silent' })
const database = `import-test-${process.pid}`
const keys = createKeys(`${database}:`, 2)
const idempotencyWindowMs = 60_000
const psy = fileURLToPath(new URL('../../../data/youtube-spam-collection/Youtube01-Psy.csv', import.meta.url))
const mongodbUrl = inject('mongodbUrl').replace(/\/(\?|$)/, `/${database}$1`)
const folder = mkdtempSync(join(tmpdir(), 'import-'))
let redis: Redis
let mongo: MongoConnection
let collections: Collections
let consumers: RunningConsumers | undefined

beforeAll(async () => {
  redis = connectRedis(inject('redisUrl'), 'request', log)
  mongo = connectMongo(mongodbUrl, { poolSize: 4, purpose: 'write' })
  collections = collectionsOf(mongo.db)
  await ensureIndexes(collections)
})
afterEach(async () => {
  await consumers?.stop()
  consumers = undefined
})
afterAll(async () => {
  await mongo.db.dropDatabase()
  await mongo.close()
  redis.disconnect()
  rmSync(folder, { recursive: true })
})

const consume = async () => {
  consumers = await startConsumers({ redisUrl: inject('redisUrl'), mongodbUrl, keys, name: 'test', idempotencyWindowMs, log })
}
function run(topic: string, csvPath = psy, timeoutMs = 20_000): Promise<ImportReport> {
  const append = openLog({ redis, keys, collections, idempotencyWindowMs, log })
  const wait = () => waitForStore({ redis, keys, topic, timeoutMs, say: () => {} })
  return importYoutube({ csvPath, topic, append, events: collections.events, waitForStore: wait })
}
const caughtUp = (topic: string) => waitForStore({ redis, keys, topic, say: () => {} })
const csv = (name: string, ...lines: string[]) => {
  const path = join(folder, name)
  writeFileSync(path, ['COMMENT_ID,AUTHOR,DATE,CONTENT,CLASS', ...lines].join('\n'))
  return path
}

test('every comment is taken once, by date, however often the file is imported, also twice at once', async () => {
  await consume()
  const reports = await Promise.all([run('song:psy'), run('song:psy')])
  expect(reports.reduce((sum, { taken }) => sum + taken, 0)).toBe(350)
  expect(reports.reduce((sum, { repeated }) => sum + repeated, 0)).toBe(350)
  expect(await run('song:psy')).toMatchObject({ read: 350, taken: 0, repeated: 350, refused: [] })
  const comments = await collections.comments.find({ topic: 'song:psy' }).sort({ position: 1 }).toArray()
  expect(comments).toHaveLength(350)
  const dates = comments.map(({ createdAt }) => createdAt!.getTime())
  expect(dates).toEqual(dates.toSorted((a, b) => a - b))
  expect(dates[0]).toBe(Date.UTC(2013, 10, 7, 6, 20, 48))
  expect(comments.every(({ rootId, parentId }) => rootId === null && parentId === null)).toBe(true)
})

test('comments come in the order of their dates', async () => {
  await consume()
  await run(
    'song:ordered',
    csv(
      'ordered.csv',
      'o3,C,2015-01-03T00:00:00,three,0',
      'o1,A,2015-01-01T00:00:00,one,0',
      'o2,B,,two,0',
      'o0,D,2014-01-01T00:00:00,zero,0',
    ),
  )
  await caughtUp('song:ordered')
  const comments = await collections.comments.find({ topic: 'song:ordered' }).sort({ position: 1 }).toArray()
  expect(comments.map(({ body }) => body?.text)).toEqual(['zero', 'one', 'two', 'three'])
})

test('it is safe to repeat after the records of idempotency are gone', async () => {
  await consume()
  const path = csv('again.csv', 'r1,A,2015-01-01T00:00:00,one,0')
  expect(await run('song:again', path)).toMatchObject({ taken: 1 })
  const records = await redis.keys(`${keys.prefix}*idem:*`)
  expect(records.length).toBeGreaterThan(0)
  await redis.del(...records)
  expect(await run('song:again', path)).toMatchObject({ taken: 0, repeated: 1 })
})

test('without consumers it does not guess what is there already', async () => {
  await consume()
  await run('song:stopped', csv('one.csv', 's1,A,2015-01-01T00:00:00,one,0'))
  await caughtUp('song:stopped')
  await consumers!.stop()
  consumers = undefined
  const more = csv('more.csv', 's1,A,2015-01-01T00:00:00,one,0', 's2,A,2015-01-02T00:00:00,two,0')
  expect(await run('song:stopped', more, 0)).toMatchObject({ taken: 1, repeated: 1 })
  await expect(run('song:stopped', more, 200)).rejects.toMatchObject({
    kind: 'condition',
    message: expect.stringContaining('consumers do not run'),
  })
})

test('a comment that is under another topic is refused there', async () => {
  await consume()
  const path = csv('moved.csv', 'm1,A,2015-01-01T00:00:00,one,0')
  await run('song:first', path)
  await caughtUp('song:first')
  expect(await run('song:second', path)).toMatchObject({
    taken: 0,
    repeated: 0,
    refused: [{ row: 2, id: 'm1', reason: 'it is under song:first already' }],
  })
})

test('the archive is asked through its partial index', async () => {
  const filter = { id: { $in: ['import:youtube:m1'], $gte: 'import:', $lt: 'import;' } }
  const plan = JSON.stringify(await collections.events.find(filter).explain('queryPlanner'))
  expect(plan).toContain('"indexName":"imports"')
})
