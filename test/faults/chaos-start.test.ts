import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, expect, inject, test } from 'vitest'
import { commentIdAt } from '../../src/events/position.ts'
import { writeTimeoutMs } from '../../src/mongo/connect.ts'
import { commandsOn } from '../commands.ts'
import { type Deployment, createDeployment, until } from '../deployment.ts'
import { createE2e } from '../e2e/api.ts'
import { type Gate, createGate } from '../e2e/gate.ts'

let gate: Gate
const closing: (() => Promise<void>)[] = []
beforeEach(async () => {
  gate = await createGate(inject('mongodbUrl'))
  closing.push(() => gate.close())
})
afterEach(async () => {
  await gate.open()
  for (const close of closing.splice(0).toReversed()) await close()
})

const away = (how: string) => (how === 'hangs' ? Promise.resolve(gate.hang()) : gate.shut())
const ways = ['is gone', 'hangs']

/** Longer than a consumer's client waits for its first connection: after that the driver gives it up. */
const awayMs = writeTimeoutMs + 1_500

test.for(ways)('consumers started while MongoDB %s catch up when it is there', { timeout: 60_000 }, async (how) => {
  const direct = createDeployment()
  const behind = createDeployment({ id: direct.id, mongodbUrl: gate.url })
  closing.push(
    () => direct.close(),
    () => behind.close(),
  )
  const { posted } = commandsOn(direct.append)
  await posted('song:a', 'ann')
  await away(how)
  await behind.consume()
  for (let n = 0; n < 50; n++) await posted('song:a', 'ann')
  await delay(awayMs)
  expect(await storedIn(direct)).toBe(0)
  await gate.open()
  const openedMs = performance.now()
  await direct.caughtUp()
  expect(performance.now() - openedMs).toBeLessThan(10_000)
  expect(await storedIn(direct)).toBe(51)
})

const storedIn = ({ collections }: Deployment) => collections.comments.countDocuments()

test.for(ways)('an API started while MongoDB %s reads it when it is there', { timeout: 60_000 }, async (how) => {
  const e2e = await createE2e()
  closing.push(() => e2e.close())
  await away(how)
  const late = await e2e.start({ mongodbUrl: gate.url })
  const mongodb = async () =>
    ((await (await fetch(`${late.url}/readyz`)).json()) as { checks: { mongodb: { ok: boolean } } }).checks.mongodb.ok
  for (let asked = 0; asked < 3; asked++) expect(await mongodb()).toBe(false)
  await gate.open()
  await until(mongodb, 5_000)
  // Only MongoDB can know.
  expect((await late.call('GET', `/v1/topics/song:a/comments/${commentIdAt('1700000000000-000000')}`)).status).toBe(404)
})
