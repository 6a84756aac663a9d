import type { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { groupNames } from '../../events/groups.ts'
import { createKeys } from '../../redis/keys.ts'
import { createLagSampler } from './sample-lag.ts'

const keys = createKeys('t:', 1)
const gone = new Error('ERR no such key')
const groupOf = (name: string) => ['name', name, 'pending', 0, 'last-delivered-id', '1-0', 'entries-read', 5, 'lag', 2]
const all = groupNames.map(groupOf)

type Reply = { length: number; infos: unknown[][] | Error }
/** Of the global, the priority and the topic's own stream. */
function sample(...streams: Reply[]) {
  const replies = streams.flatMap(({ length, infos }) => [[null, length], infos instanceof Error ? [infos, undefined] : [null, infos]])
  const pipeline = { xlen: () => pipeline, xinfo: () => pipeline, exec: async () => replies }
  return createLagSampler({ pipeline: () => pipeline } as unknown as Redis, keys, 'song:1')()
}

test('a stream that is gone was retired, and waits for nobody', async () => {
  const { lanes } = await sample({ length: 7, infos: all }, { length: 0, infos: gone }, { length: 0, infos: gone })
  expect([lanes.global.waiting, lanes.priority.waiting, lanes.hot.waiting]).toEqual([2, 0, 0])
})

test('whatever else Redis says is no sample', async () => {
  const loading = new Error('LOADING Redis is loading the dataset in memory')
  await expect(sample({ length: 7, infos: all }, { length: 0, infos: loading }, { length: 0, infos: gone })).rejects.toBe(loading)
})

test('what a group that is missing has not read is not known, unless there is nothing to read', async () => {
  const { lanes } = await sample({ length: 7, infos: all.slice(1) }, { length: 0, infos: all.slice(1) }, { length: 0, infos: gone })
  expect([lanes.global.waiting, lanes.priority.waiting]).toEqual([Number.NaN, 2])
})
