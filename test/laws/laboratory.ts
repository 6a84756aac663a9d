import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { inject } from 'vitest'
import type { GroupName } from '../../src/events/groups.ts'
import { type Collections, collectionsOf } from '../../src/mongo/collections.ts'
import { connectMongo } from '../../src/mongo/connect.ts'
import { connectRedis } from '../../src/redis/connect.ts'
import { quiet } from '../deployment.ts'
import { type Deliveries, createReadModels } from './read-models.ts'

export const inAnyOrder: fc.Arbitrary<Deliveries> = fc.record({
  sizes: fc.array(fc.nat({ max: 6 }), { minLength: 1, maxLength: 10 }),
  picks: fc.array(fc.nat(), { maxLength: 80, size: 'max' }),
  repeats: fc.array(fc.constantFrom(0, 0, 1, 2), { minLength: 1, maxLength: 10 }),
  consumers: fc.integer({ min: 1, max: 4 }),
})

/** How a guard is taken out: of a script's text, or of what the projection asks of MongoDB. */
export type Sabotage = { script?(text: string, command: string): string; collections?(collections: Collections): Collections }

/** Real servers under a key prefix and databases of its own, for read models sound or broken. */
export function createLaboratory() {
  const id = randomUUID().slice(0, 8)
  const [redisUrl, mongodbUrl] = [inject('redisUrl'), inject('mongodbUrl')]
  const mongo = connectMongo(mongodbUrl.replace(/^(\w+:\/\/[^/?]+)\/?/, '$1/test-laws'), { poolSize: 8, purpose: 'read' })
  const closing: (() => Promise<unknown>)[] = []
  let made = 0

  return {
    readModels(groups: readonly GroupName[], { script, collections = (sound) => sound }: Sabotage = {}, rankedCap?: number) {
      const name = `${id}-${made++}`
      const db = mongo.db.client.db(`test-laws-${name}`)
      const redis = connectRedis(redisUrl, 'consumer', quiet)
      if (script) {
        const define = redis.defineCommand.bind(redis)
        redis.defineCommand = (command, definition) => define(command, { ...definition, lua: script(definition.lua, command) })
      }
      const readModels = createReadModels(redis, collections(collectionsOf(db)), `l${name}:`, groups, rankedCap)
      closing.push(async () => {
        await readModels.clear()
        redis.disconnect()
        await db.dropDatabase()
      })
      return readModels
    },
    async close() {
      await Promise.all(closing.map((close) => close()))
      await mongo.close()
    },
  }
}
export type Laboratory = ReturnType<typeof createLaboratory>
