import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { commandsOn, commentOf } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { type PrivateRedis, startPrivateRedis } from '../../test/private-redis.ts'
import { consumeAll, populate, readModels, write, writtenAgain } from '../../test/reconciling.ts'

let server: PrivateRedis
let replicaServer: PrivateRedis
let ovation: Deployment
let promoted: Deployment
beforeAll(async () => {
  ;[server, replicaServer] = await Promise.all([startPrivateRedis(), startPrivateRedis()])
})
afterAll(() => Promise.all([server.stop(), replicaServer.stop()]))
beforeEach(() => {
  ovation = createDeployment({ redisUrl: server.url })
  promoted = createDeployment({ redisUrl: replicaServer.url, id: ovation.id })
})
afterEach(() => Promise.all([ovation.close(), promoted.close()]))

test('a replica promoted without the last events: everything that the archive holds is there once, and repeated requests get their first answer', async () => {
  await populate(ovation)
  await promoted.redis.replicaof('127.0.0.1', Number(new URL(server.url).port))
  await until(async () => /master_link_status:up/.test(await promoted.redis.info('replication')))
  await ovation.redis.wait(1, 5_000)
  await promoted.redis.replicaof('NO', 'ONE')

  const { post } = commandsOn(ovation.append)
  const lost = [
    ['song:a', 'eve', { key: 'lost' }],
    ['song:b', 'eve', { key: 'lost' }],
    ['song:a', 'eve', { eventId: 'no-key' }],
  ] satisfies Parameters<typeof post>[] as Parameters<typeof post>[]
  const answers = await Promise.all(lost.map((args) => post(...args)))
  await write(ovation, ['song:a', 'song:hot', 'song:lost'])
  await consumeAll(ovation)
  const before = await readModels(ovation)

  const { post: postAgain, posted } = commandsOn(promoted.append)
  const answersAgain = await Promise.all(lost.map((args) => postAgain(...args)))
  expect(answersAgain.map(({ kind }) => kind)).toEqual(['repeated', 'repeated', 'repeated'])
  expect(answersAgain.map(commentOf)).toEqual(answers.map(commentOf))
  const missing = (await writtenAgain(promoted)).map(({ id }) => id)
  expect(missing.length).toBe(3 + 3 * 12)
  expect(new Set(missing).size).toBe(missing.length)
  await consumeAll(promoted)
  expect(await readModels(promoted)).toEqual(before)
  const later = await posted('song:a', 'ann')
  expect(
    later >
      before.mongo.comments
        .map(({ commentId }) => commentId)
        .toSorted()
        .at(-1)!,
  ).toBe(true)
})
