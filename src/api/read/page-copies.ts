import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Version, compareVersions, versionIn, versionText } from './version.ts'

export type PageCopies = ReturnType<typeof createPageCopies>

/** How many copies a page has, each in another slot of a cluster. */
const copiesOfPage = 4
const lifeMs = 2_000
/** A copy is used while it is younger, by the clock of its server. */
const youngMs = 200

type Header = { version: string; newest: string; usesStore: boolean }

/**
 * Built pages of hot topics, so that many API processes do not all ask the topic's own partition: whoever finds no young copy at a place
 * picked at random builds the page and puts it there, with a line of JSON about it in front.
 */
export function createPageCopies(redis: Redis, keys: Keys) {
  const count = Math.min(copiesOfPage, keys.partitions.length)

  function placeFor(topic: string, page: string) {
    const home = keys.partitions.indexOf(keys.of(topic))
    const next = 1 + Math.floor(Math.random() * count)
    const name = keys.partitions[(home + next) % keys.partitions.length]!.copy(topic, page)
    return {
      /** A copy that is young and not older than `atLeast`. Never rejects. */
      async find(atLeast: Version | undefined): Promise<Answer | undefined> {
        const [value, leftMs] = await Promise.all([redis.getBuffer(name), redis.pttl(name)]).catch(() => [null, 0] as const)
        if (!value || leftMs <= lifeMs - youngMs) return undefined
        const end = value.indexOf(10)
        const { version: text, ...about } = JSON.parse(value.toString('latin1', 0, end)) as Header
        const version = versionIn(text)
        if (atLeast && compareVersions(version, atLeast) < 0) return undefined
        return answerOf({ ...about, version, views: undefined, degraded: [], isPoor: false }, value.subarray(end + 1), performance.now())
      },
      /** Leaves the page for others; nobody waits for it. */
      write({ version, newest, usesStore, bytes }: Answer): void {
        if (!version) return
        const header: Header = { version: versionText(version), newest, usesStore }
        const value = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes])
        redis.set(name, value, 'PX', lifeMs).catch(() => {})
      },
    }
  }
  return { placeFor }
}
