import type { Redis } from 'ioredis'
import { fieldsOf } from '../src/events/append.ts'
import { promote } from '../src/events/hotspots.ts'
import type { PartitionKeys } from '../src/redis/keys.ts'
import { commandsOn } from './commands.ts'
import { type Deployment, quiet, until } from './deployment.ts'
import { snapshot } from './snapshot.ts'

export const idempotencyWindowMs = 3_600_000
const topics = ['song:a', 'song:b', 'song:hot'] // of both partitions

export const reconcileOf = ({ redis, collections: { events, settings } }: Deployment) => ({
  redis,
  events,
  settings,
  idempotencyWindowMs,
  log: quiet,
})
export const termOf = async ({ redis }: Deployment, { meta }: PartitionKeys) => Number(await redis.hget(meta, 'term'))
export const readModels = ({ redis, keys, collections }: Deployment) => snapshot(redis, keys.partitions, collections)
const streamOf = async ({ redis }: Deployment, { lane }: PartitionKeys, name: string) =>
  (await redis.xrange(lane(name), '-', '+')).map(([entryId, flat]): Record<string, string> => ({ entryId, ...fieldsOf(flat) }))
export const writtenAgain = async (deployment: Deployment) =>
  (await Promise.all(deployment.keys.partitions.map((partition) => streamOf(deployment, partition, 'priority'))))
    .flat()
    .filter(({ origin }) => origin)

/** Some of everything, in every lane, in the read models of both stores. */
export async function populate(deployment: Deployment): Promise<void> {
  await write(deployment)
  const consumers = await deployment.consume()
  await settled(deployment)
  await consumers.stop()
}

export async function write({ append, redis, keys }: Deployment, under = topics): Promise<void> {
  const { posted, like, unlike, edit, hide, restore, remove, pin } = commandsOn(append)
  await promote(redis, keys, 'song:hot')
  for (const topic of under) {
    const root = await posted(topic, 'ann')
    const reply = await posted(topic, 'bob', { parentId: root })
    await posted(topic, 'star', { parentId: reply, priority: true, target: { commentId: reply, rootOf: 'reply', withSnapshot: true } })
    for (const user of ['ann', 'bob', 'cid']) await like(topic, user, root)
    await unlike(topic, 'ann', root)
    await edit(topic, 'ann', root, 'edited')
    await hide(topic, reply)
    await remove(topic, 'bob', reply)
    await restore(topic, reply)
    await pin(topic, root)
  }
}

async function settled({ caughtUp, redis, keys }: Deployment): Promise<void> {
  await until(async () =>
    (await Promise.all(keys.partitions.map(({ meta }) => redis.hexists(meta, 'term')))).every((isOpen) => isOpen === 1),
  )
  await caughtUp()
  await until(async () => (await redis.exists(...keys.partitions.flatMap(({ dirty }) => [dirty('likes'), dirty('counts')]))) === 0)
}

export async function consumeAll(deployment: Deployment): Promise<void> {
  const consumers = await deployment.consume()
  await settled(deployment)
  await consumers.stop()
}

/** A connection that hangs once so many events were written again, or else before opening; lease renewal included: a process that stands still. */
export function stallingAfter(events: number, redis: Redis) {
  let [stall, wake] = [() => {}, () => {}]
  const stalled = new Promise<void>((resolve) => (stall = resolve))
  const gate = new Promise<void>((resolve) => (wake = resolve))
  let [written, hasStalled] = [0, false]
  const stallable = new Proxy(redis, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'eval') return value.bind(target) as unknown
      return async (text: string, ...rest: unknown[]) => {
        const isTime = text.includes('Writes an event of the archive') ? written++ >= events : text.includes('Opens a partition')
        if (isTime) hasStalled = true
        if (hasStalled) {
          stall()
          await gate
        }
        return await (value as (...args: unknown[]) => Promise<unknown>).call(target, text, ...rest)
      }
    },
  })
  return { redis: stallable, stalled, wake: () => wake() }
}
