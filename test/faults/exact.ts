import { expect } from 'vitest'
import { gapsIn, readArchive, readRewritten } from './archived.ts'
import { compareAcknowledged, compareWrites } from './compare-acknowledged.ts'
import { compareAnswers } from './compare-answers.ts'
import { compareMongo } from './compare-mongo.ts'
import { compareRedis } from './compare-redis.ts'
import { createDiffer } from './differ.ts'
import type { Acknowledged } from './load.ts'
import { type Place, backlog, groups } from './place.ts'
import { recount, topicsIn } from './recount.ts'

type Options = {
  /** Writes begun until then may be lost with the server that had them, and their comments be unknown afterwards, ms. */
  lossUntilMs?: number
}

/**
 * Every acknowledged write is in the archive once and nothing that was not asked for; every read model equals a recount of the archive, and that
 * equals what was acknowledged; nothing is pending, nothing was parked. Waits until the consumers have caught up. Resolves with the number of lost writes.
 */
export async function everythingExact(place: Place, acknowledged: Acknowledged, { lossUntilMs = 0 }: Options = {}): Promise<number> {
  await place.caughtUp()
  const [archive, rewritten] = await Promise.all([readArchive(place), readRewritten(place)])
  const truth = recount(archive)
  const differ = createDiffer()
  const isLossless = lossUntilMs === 0

  const lost = compareWrites({ place, acknowledged, archive, rewritten, lossUntilMs }, differ)
  if (isLossless) {
    differ.equal('gaps', gapsIn(archive, rewritten).join('; '), '')
    differ.equal('refused', acknowledged.refused.map(({ call, status }) => `${call.method} ${call.path} ${status}`).join(), '')
    compareAcknowledged(acknowledged, truth, differ)
  }
  await compareMongo(place, truth, new Set(lost.flatMap(({ about }) => about)), differ)
  for (const topic of topicsIn(truth)) {
    await compareRedis(place, topic, truth, isLossless, differ)
    await compareAnswers(place, topic, truth, isLossless, differ)
  }
  for (const partition of place.keys.partitions)
    for (const group of groups) differ.equal(`dead letters of ${group}`, await place.redis.xlen(partition.dead(group)), 0)
  differ.equal('backlog', await backlog(place), '')
  expect(differ.found.slice(0, 20)).toEqual([])
  return lost.length
}
