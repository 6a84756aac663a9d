import { randomInt } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { groupNames } from '../../src/events/groups.ts'
import { afterReconciling, asWritten, growing, histories } from './history.ts'
import { type Laboratory, createLaboratory, inAnyOrder } from './laboratory.ts'
import { feedCap } from './read-models.ts'
import { recount } from './recount.ts'

/** `LAWS_SEED=random npm test -- laws` looks further; the seed is in the test's name. */
const seed = process.env['LAWS_SEED'] === 'random' ? randomInt(2 ** 31) : Number(process.env['LAWS_SEED'] ?? 20_260_101)
const numRuns = Number(process.env['LAWS_RUNS'] ?? 60)

let laboratory: Laboratory
beforeAll(() => {
  laboratory = createLaboratory()
})
afterAll(() => laboratory.close())

test(
  `delivered twice, in any order, by any number of consumers, lost and written again: the read models are the same (seed ${seed})`,
  async () => {
    const [undisturbed, disturbed] = [laboratory.readModels(groupNames), laboratory.readModels(groupNames)]
    const property = fc.asyncProperty(histories, inAnyOrder, async (history, deliveries) => {
      const expected = await undisturbed.after(asWritten(history), 'in order')
      expect(await disturbed.after(afterReconciling(history), deliveries)).toEqual(expected)

      const { counts, likes, newest, ranked } = recount(history.map(({ event }) => event))
      const { redis } = expected
      for (const [topic, of] of Object.entries(newest)) {
        const numbers = (name: string) =>
          Object.fromEntries(Object.entries(redis[name] ?? {}).flatMap(([field, n]) => (isRegister(field) ? [] : [[field, Number(n)]])))
        expect(numbers(`count:${topic}`)).toEqual(counts[topic] ?? {})
        expect(numbers(`likes:${topic}`)).toEqual(likes[topic] ?? {})
        const kept = (redis[`feed-index:${topic}`] as string[]).filter((_, i) => i % 2 === 0).map((member) => member.split('/')[0])
        expect(kept).toEqual(of.slice(-feedCap))
        expect(rankedIn(redis, topic)).toEqual(ranked[topic] ?? [])
      }
    })
    await fc.assert(property, { seed, numRuns })
  },
  60_000 + numRuns * 1_000,
)

test(
  `where numbers only grow the hot order is that of the highest scores, in whatever order they grew (seed ${seed})`,
  async () => {
    const cap = 3
    const disturbed = laboratory.readModels(['counts', 'likes'], {}, cap)
    const property = fc.asyncProperty(growing, inAnyOrder, async (history, deliveries) => {
      const { redis } = await disturbed.after(afterReconciling(history), deliveries)
      const { newest, ranked } = recount(history.map(({ event }) => event))
      for (const topic of Object.keys(newest)) expect(rankedIn(redis, topic)).toEqual(ranked[topic]!.slice(-cap))
    })
    await fc.assert(property, { seed, numRuns })
  },
  60_000 + numRuns * 1_000,
)

const rankedIn = (redis: Record<string, unknown>, topic: string): [root: string, score: number][] => {
  const flat = (redis[`ranked:${topic}`] ?? []) as string[]
  return flat.flatMap((root, i) => (i % 2 === 0 ? [[root, Number(flat[i + 1])] as [string, number]] : []))
}
const isRegister = (field: string) => field.startsWith('d:') || field.startsWith('s:')
