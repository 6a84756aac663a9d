import { afterEach, beforeEach, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { createKeys } from '../redis/keys.ts'
import { type PrivateRedis, startPrivateRedis } from '../../test/private-redis.ts'

let server: PrivateRedis
let ovation: Deployment
beforeEach(async () => {
  server = await startPrivateRedis()
  ovation = createDeployment({ redisUrl: server.url })
})
afterEach(async () => {
  await ovation.close()
  await server.stop()
})

test('they start before the first write, and each group and lane is in the statistics', async () => {
  const consumers = await ovation.consume({ concurrency: 2 })
  await commandsOn(ovation.append).posted('song:a', 'ann')
  await ovation.caughtUp()
  const stats = consumers.stats()
  expect(stats).toHaveLength(4 * (1 + 2 + 1))
  const applied = (of: string) => stats.reduce((sum, { group, stats: { applied } }) => sum + (group === of ? applied : 0), 0)
  await until(async () => ['store', 'counts', 'likes', 'feed'].every((group) => applied(group) === 1))
})

test('they can be stopped while Redis is away', async () => {
  const consumers = await ovation.consume()
  await commandsOn(ovation.append).posted('song:a', 'ann')
  await ovation.caughtUp()
  await server.stop()
  await consumers.stop()
})

test('of a version from the future they report that a person has to act', async () => {
  const consumers = await ovation.consume({ groups: ['counts'] })
  await commandsOn(ovation.append).posted('song:a', 'ann')
  const { lane } = ovation.keys.of('song:a')
  await ovation.redis.xadd(lane('priority'), '*', 'id', 'x', 'type', 'comment.sung', 'v', '1', 'topic', 'song:a', 'data', '{}')
  await expect(consumers.failed).rejects.toMatchObject({ name: 'UnknownVersionError' })
  const stopped = consumers.stats().filter(({ stats: { status } }) => status === 'stopped')
  expect(stopped).toEqual([
    {
      group: 'counts',
      lane: 'priority',
      stats: expect.objectContaining({ reason: expect.stringContaining('comment.sung') as string }) as object,
    },
  ])
})

test('of another number of partitions than the deployment was started with they refuse, also where Redis has forgotten it', async () => {
  const consumers = await ovation.consume()
  await commandsOn(ovation.append).posted('song:a', 'ann')
  await ovation.caughtUp()
  await consumers.stop()
  const others = { keys: createKeys(ovation.keys.prefix, 3) }
  await expect((await ovation.consume(others)).failed).rejects.toThrow(/^PARTITIONS is 3, .* with 2:/)
  await ovation.redis.flushall()
  await expect((await ovation.consume(others)).failed).rejects.toThrow('PARTITIONS is 3, the archive was begun with 2')
})
