import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mongod, redis } from '../../src/embedded/server-kinds.ts'
import { until } from '../deployment.ts'
import { readRewritten } from './archived.ts'
import { everythingExact } from './exact.ts'
import { startLoad, together } from './load.ts'
import { type OwnServer, createOwnServer } from './own-server.ts'
import { type Place, createPlace } from './place.ts'
import { figuresOf, summary } from './summary.ts'
import { createSwitch } from './tcp-switch.ts'

let dir: string
let master: OwnServer
let replica: OwnServer
let mongo: OwnServer
let address: Awaited<ReturnType<typeof createSwitch>>
let onReplica: Redis
let place: Place

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ovation-promoted-'))
  ;[master, replica, mongo] = await Promise.all([
    createOwnServer(redis, join(dir, 'master')),
    createOwnServer(redis, join(dir, 'replica')),
    createOwnServer(mongod, dir),
  ])
  await Promise.all([master.start(), replica.start(), mongo.start()])
  address = await createSwitch(master.port)
  onReplica = new Redis(replica.url)
  await onReplica.replicaof('127.0.0.1', master.port)
  await until(async () => /master_link_status:up/.test(await onReplica.info('replication')))
  place = await createPlace({ redisUrl: redis.url(address.port), mongodbUrl: mongo.url })
  place.startConsumer('a')
  await place.startApi()
})
afterEach(async () => {
  await place.close()
  onReplica.disconnect()
  address.close()
  await Promise.all([master, replica, mongo].map((server) => server.stop()))
  await rm(dir, { recursive: true, force: true })
})

/** From here on the replica lacks what is written. */
const stopReplicating = () => onReplica.replicaof('NO', 'ONE')

/** The master is gone for good, and with it what only it had. */
async function promoteReplica(): Promise<void> {
  await master.signal('SIGKILL')
  address.turnTo(replica.port)
}

const withoutToken = (body: unknown) => ({ ...(body as object), writeToken: undefined })

test(
  'a replica without the last events, promoted: what the archive had is there once, retries get their first answer',
  { timeout: 120_000 },
  async () => {
    const before = startLoad(place.client)
    await before.reaches(500)
    await stopReplicating()
    const replicated = before.acknowledged.writes.length
    await before.reaches(replicated + 500)
    const acknowledged = await before.stop()
    await place.caughtUp()
    const lacking = acknowledged.writes.length - replicated
    await promoteReplica()

    const promotedMs = performance.now()
    const posts = [...acknowledged.posts.values()].slice(-200)
    const again = await Promise.all(posts.map(({ call }) => place.client.untilAnswered(call)))
    const reopenedMs = performance.now() - promotedMs
    expect(again.map(({ status, body }) => [status, withoutToken(body)])).toEqual(
      posts.map(({ answer }) => [201, withoutToken(answer.body)]),
    )
    await everythingExact(place, acknowledged)
    const rewritten = (await readRewritten(place)).length
    expect(rewritten).toBeGreaterThanOrEqual(lacking - 20)

    const after = startLoad(place.client, { after: acknowledged })
    await after.reaches(acknowledged.writes.length + 300)
    await everythingExact(place, await after.stop())
    summary('replica promoted', {
      lacking,
      rewritten,
      retries: posts.length,
      'answered after, ms': reopenedMs,
      ...figuresOf(place.client, acknowledged),
    })
  },
)

test('a replica promoted while MongoDB is away: writes are taken at once, reconciled when it is back', { timeout: 120_000 }, async () => {
  const before = startLoad(place.client)
  await before.reaches(300)
  await stopReplicating()
  const replicated = before.acknowledged.writes.length
  await before.reaches(replicated + 300)
  const acknowledged = await before.stop()
  const lacking = acknowledged.writes.length - replicated
  await place.caughtUp()
  await mongo.signal('SIGKILL')
  await promoteReplica()

  const promotedMs = performance.now()
  const blind = startLoad(place.client, { topics: ['song:new'] })
  await blind.reaches(1)
  const openedMs = performance.now() - promotedMs
  await blind.reaches(200)
  await mongo.start()
  const backMs = performance.now()
  await blind.reaches(400)
  const all = together(acknowledged, await blind.stop())
  await place.caughtUp()
  const reconciledMs = performance.now() - backMs
  await everythingExact(place, all)
  summary('replica promoted while MongoDB is away', { lacking, 'first write after, ms': openedMs, 'reconciled after, ms': reconciledMs })
})
