import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { commandsOn } from '../../test/commands.ts'
import { type Deployment, createDeployment, until } from '../../test/deployment.ts'
import { hottestTopics, promote } from './hotspots.ts'

const topic = 'song:a'
let ovation: Deployment
beforeEach(() => {
  ovation = createDeployment({ partitions: 1 })
})
afterEach(() => ovation.close())

const partition = () => ovation.keys.partitions[0]!
const commands = () => commandsOn(ovation.append)

describe('a limit', () => {
  const limit = { name: 'comments', intervalMs: 10_000, burstMs: 30_000 }

  test('takes a burst, then refuses and says until when; another user, class or partition has its own', async () => {
    const { post } = commands()
    const owed = []
    for (let i = 0; i < 3; i++) owed.push(((await post(topic, 'ann', { limit })) as { owedMs: number }).owedMs)
    expect(owed[2]! - owed[0]!).toBeGreaterThan(19_000)
    const refused = await post(topic, 'ann', { limit }).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'too-many-requests' })
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(9_000)
    expect((refused as { retryAfterMs: number }).retryAfterMs).toBeLessThanOrEqual(10_000)
    for (const more of [{ limit: { ...limit, name: 'likes' } }, {}])
      expect(await post(topic, 'ann', more)).toMatchObject({ kind: 'appended' })
    expect(await post(topic, 'bob', { limit })).toMatchObject({ kind: 'appended' })
  })

  test('that a server with a clock ahead has left is not waited for', async () => {
    const { post } = commands()
    await post(topic, 'ann', { limit })
    await ovation.redis.set(partition().limit('comments', 'ann'), Date.now() + 3_600_000, 'PX', 3_600_000)
    expect(await post(topic, 'ann', { limit })).toMatchObject({ kind: 'appended' })
  })

  test('is not used up by refusals and repeats, and comes back with time', async () => {
    const { post } = commands()
    const short = { name: 'comments', intervalMs: 150, burstMs: 150 }
    expect(await post(topic, 'ann', { limit: short, key: 'k' })).toMatchObject({ kind: 'appended' })
    expect(await post(topic, 'ann', { limit: short, key: 'k' })).toMatchObject({ kind: 'repeated' })
    await until(async () => (await post(topic, 'ann', { limit: short, key: 'l' })).kind === 'appended', 2_000)
    await until(async () => (await ovation.redis.exists(partition().limit('comments', 'ann'))) === 0, 2_000) // leaves nothing
  })
})

test('writes are counted by topic and second, also those of a hot topic', async () => {
  const { posted } = commands()
  await promote(ovation.redis, ovation.keys, 'song:hot')
  for (let i = 0; i < 3; i++) await posted('song:hot', 'ann')
  await posted(topic, 'ann')
  await until(async () => {
    const [seconds] = (await ovation.redis.time()) as unknown as [string]
    const rates = await hottestTopics(ovation.redis, ovation.keys, (Number(seconds) + 1) * 1_000, 5)
    return Math.round(rates.get('song:hot')! * 5) === 3 && Math.round(rates.get(topic)! * 5) === 1
  }, 3_000)
  const [heat] = await ovation.redis.keys(`${ovation.keys.prefix}*heat:*`)
  expect(await ovation.redis.ttl(heat!)).toBeGreaterThan(0)
})
