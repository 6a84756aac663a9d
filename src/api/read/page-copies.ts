import type { Redis } from 'ioredis'
import type { Keys } from '../../redis/keys.ts'
import { type Answer, answerOf } from './answer.ts'
import { type Version, compareVersions, versionIn, versionText } from './version.ts'

export type PageCopies = ReturnType<typeof createPageCopies>

/** How many copies a page has, each in another slot of a cluster. */
const copiesOfPage = 4
const lifeMs = 2_000
/** Of the value's form and of the JSON in it: releases that differ in either do not read each other's. */
const format = 2
/** A copy is used while it is younger, by the clock of its server. */
const youngMs = 200

/** `ageMs`: of the build, when the copy was written. */
type Header = { version: string; newest: string; usesStore: boolean; ageMs: number }

/**
 * Built pages of hot topics, so that many API processes do not all ask the topic's own partition: whoever finds no young copy at a place
 * picked at random builds the page and puts it there, with a line of JSON about it in front.
 */
export function createPageCopies(redis: Redis, keys: Keys) {
  const count = Math.min(copiesOfPage, keys.partitions.length)

  function placeFor(topic: string, page: string) {
    const home = keys.partitions.indexOf(keys.of(topic))
    const next = 1 + Math.floor(Math.random() * count)
    const name = keys.partitions[(home + next) % keys.partitions.length]!.copy(topic, `${page}.${format}`)
    return {
      /** A copy that is young, not older than `atLeast` and need not be built again yet. Never rejects. */
      async find(atLeast: Version | undefined): Promise<Answer | undefined> {
        try {
          const [value, leftMs] = await Promise.all([redis.getBuffer(name), redis.pttl(name)])
          const copy = value && leftMs > lifeMs - youngMs ? answerIn(value, performance.now() - (lifeMs - leftMs)) : undefined
          return copy && isFit(copy, atLeast) ? copy : undefined
        } catch {
          return undefined
        }
      },
      /** Leaves the page for others; nobody waits for it. */
      write({ version, newest, usesStore, builtAtMs, bytes }: Answer): void {
        if (!version) return
        const header: Header = { version: versionText(version), newest, usesStore, ageMs: Math.round(performance.now() - builtAtMs) }
        const value = Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), bytes])
        redis.set(name, value, 'PX', lifeMs).catch(() => {})
      },
    }
  }
  return { placeFor }
}

function answerIn(value: Buffer, writtenAtMs: number): Answer {
  const end = value.indexOf(10)
  const { version, ageMs, ...about } = JSON.parse(value.toString('latin1', 0, end)) as Header
  const built = { ...about, version: versionIn(version), views: undefined, degraded: [], isPoor: false }
  return { ...answerOf(built, value.subarray(end + 1), writtenAtMs - ageMs), asOfMs: writtenAtMs }
}

const isFit = ({ version, rebuildAtMs }: Answer, atLeast: Version | undefined): boolean =>
  performance.now() < rebuildAtMs && !(atLeast && compareVersions(version!, atLeast) < 0)
