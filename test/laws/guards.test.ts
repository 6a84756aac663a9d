import fc from 'fast-check'
import type { AnyBulkWriteOperation } from 'mongodb'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { GroupName } from '../../src/events/groups.ts'
import { type Entry, decodeEntry } from '../../src/events/recorded.ts'
import type { Collections } from '../../src/mongo/collections.ts'
import { afterReconciling, asWritten, histories } from './history.ts'
import { type Laboratory, type Sabotage, createLaboratory, inAnyOrder } from './laboratory.ts'

// Negative controls of any-order.test.ts: with one guard taken out, the property must find a history that tells.

let laboratory: Laboratory
beforeAll(() => {
  laboratory = createLaboratory()
})
afterAll(() => laboratory.close())

/** How many histories it took to tell the two apart. */
async function firstDifference(groups: readonly GroupName[], sabotage: Sabotage, decode = decodeEntry): Promise<number | undefined> {
  const [sound, broken] = [laboratory.readModels(groups), laboratory.readModels(groups, sabotage)]
  const property = fc.asyncProperty(histories, inAnyOrder, async (history, deliveries) => {
    const expected = await sound.after(asWritten(history), 'in order')
    expect(await broken.after(afterReconciling(history), deliveries, decode)).toEqual(expected)
  })
  const { failed, numRuns, errorInstance } = await fc.check(property, { seed: 20_260_101, numRuns: 200, endOnFailure: true })
  if (failed && (errorInstance as Error).name !== 'AssertionError') throw errorInstance
  return failed ? numRuns : undefined
}

/** Takes a piece out of a script, or puts another in its place; it must be there exactly once. */
const without =
  (guard: string, instead = '') =>
  (text: string): string => {
    const parts = text.split(guard)
    if (parts.length !== 2) throw new Error(`${parts.length - 1} times in the script: ${guard}`)
    return parts.join(instead)
  }

describe('the property fails when this is missing', () => {
  test.each<[GroupName, guard: string, script: Sabotage['script']]>([
    [
      'counts',
      'an entry counts when it is acknowledged, not when it is delivered',
      without("entry) == 1 and op ~= ''", "entry) and op ~= ''"),
    ],
    [
      'counts',
      'the later of two visibilities wins',
      without('if old and string.sub(old, 1, 20) >= string.sub(value, 1, 20) then return end'),
    ],
    ['counts', 'a deleted comment never shows again', without('not deleted and (', '(')],
    ['counts', 'an event written again counts once', without("if redis.call('HSETNX', counts, 'o:' .. comment, 1) == 0 then return end")],
    [
      'counts',
      'an event written again was counted where its first entry is still there',
      without("if #redis.call('XRANGE', KEYS[tonumber(first)], origin, origin) > 0 then return end"),
    ],
    ['counts', 'a comment that already does not show is not subtracted again', without('if was ~= is then', 'if true then')],
    [
      'likes',
      'the later of like and unlike wins',
      without('if old and string.sub(old, 1, 20) >= string.sub(register, 1, 20) then return end'),
    ],
    ['likes', 'a like of one who likes already adds nothing', without('if was == is then return end')],
    ['feed', 'nothing at or below the floor comes back', without('(floor and position <= floor) or ')],
    [
      'feed',
      'nothing is set at or below the floor',
      without('  if floor and position <= floor then return end\n  local field', '  local field'),
    ],
    ['feed', 'the later value of a field wins', without('if not isNewer(feed, field, register) then return end')],
    ['feed', 'the later of pin and unpin wins', without('if isNewer(KEYS[k + 5], position, register) then', 'if true then')],
    [
      'feed',
      'what waits for its comment goes with the floor',
      without("remove('HDEL', feed, fieldsOf(late))\n  remove('ZREM', stubs, late)"),
    ],
    ['feed', 'what waited for its comment waits no longer', without("redis.call('ZREM', stubs, position)\n")],
    ['feed', 'a comment that falls below the floor leaves nothing', without("remove('HDEL', feed, fieldsOf(positions))")],
    ['feed', 'a topic is as active as its latest event', without("'GT', ")],
  ])('%s: %s', async (group, _, script) => {
    expect(await firstDifference([group], { script })).toBeTypeOf('number')
  })

  test.each<[command: 'applyCounts' | 'applyLikes', guard: string, script: Sabotage['script']]>([
    ['applyLikes', 'a like moves its root', without('then topic.roots[comment] = true', 'then')],
    ['applyCounts', 'a reply moves its root', without('then topic.roots[root] = true', 'then')],
    ['applyCounts', 'likes that came before their root count for it', without('stepOf(likes[i], ', 'stepOf(0, ')],
    ['applyLikes', 'a late like brings no removed root back', without('if shows(counts[3 * i - 1], counts[3 * i]) then', 'if true then')],
    [
      'applyLikes',
      'a like that may be of a reply ranks nothing new',
      without("(of.kind == 'root' or redis.call('ZSCORE', topic.ranked, comment))", 'true'),
    ],
  ])('hot order, %s: %s', async (command, _, script) => {
    const only: Sabotage['script'] = (text, name) => (name === command ? script!(text, name) : text)
    expect(await firstDifference(['counts', 'likes'], { script: only })).toBeTypeOf('number')
  })

  test.each<[guard: string, Sabotage['collections']]>([
    [
      'the later value of a field wins',
      (collections) => withUpdates(collections, ({ $max, $set, ...update }) => ({ ...update, $set: { ...$set, ...$max } })),
    ],
    ['a creation completes what came before it', (collections) => withUpdates(collections, (update) => ({ ...update, $set: {} }))],
  ])('store: %s', async (_, collections) => {
    expect(await firstDifference(['store'], { collections })).toBeTypeOf('number')
  })

  test.each<GroupName>(['store', 'counts', 'likes', 'feed'])(
    '%s: the position of an event written again is that of its origin',
    async (group) => {
      const forgetful = (entry: Entry) => decodeEntry({ ...entry, fields: { ...entry.fields, origin: '' } })
      expect(await firstDifference([group], {}, forgetful)).toBeTypeOf('number')
    },
  )
})

type Update = Partial<Record<'$max' | '$set', object>>

/** Collections whose updates are changed on their way to MongoDB. */
function withUpdates(collections: Collections, change: (update: Update) => object): Collections {
  const broken = <T extends object>(collection: T): T =>
    new Proxy(collection, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name !== 'bulkWrite') return value.bind(target) as unknown
        return (operations: readonly AnyBulkWriteOperation[], ...rest: unknown[]) =>
          (value as (...args: unknown[]) => unknown).call(target, operations.map(changed), ...rest)
      },
    })
  const changed = (operation: AnyBulkWriteOperation) =>
    'updateOne' in operation ? { updateOne: { ...operation.updateOne, update: change(operation.updateOne.update as Update) } } : operation
  return { ...collections, comments: broken(collections.comments), likes: broken(collections.likes) }
}
