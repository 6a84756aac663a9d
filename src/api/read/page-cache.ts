import { LRUCache } from 'lru-cache'
import { DomainError } from '../../errors.ts'
import { type Answer, type Built, answerOfBuilt, staleOf } from './answer.ts'
import { knownMs, schedule } from './freshness.ts'
import type { PageCopies } from './page-copies.ts'
import { type Version, compareVersions } from './version.ts'

/** What is asked, and how it is found out. */
export type Question<V = unknown> = {
  key: string
  /** Undefined where the answer is not one topic's. */
  topic?: string
  /** `known`: what a whole answer of the last minute was made from. Undefined: the topic's Redis models are still of the version `unless`. */
  build(unless: Version | undefined, known: V | undefined): Promise<Built<V> | undefined>
  isLive?: boolean
  freshMs?: number
  /** Name of its copies, where it has some while its topic is hot. */
  copy?: string
}

/**
 * How answers were come by, those included that renew one while it is shown. `fresh`: at once; `stale`: at once, an old one, while it is renewed;
 * `joined`: with a read under way; `kept`: something was found, and what was known is better.
 */
export const results = ['fresh', 'stale', 'joined', 'unchanged', 'copy', 'built', 'kept', 'failed'] as const
export type CacheStats = Record<(typeof results)[number], number>
export type PageCache = ReturnType<typeof createPageCache>

type Kept = { shown: Answer; known: Answer }
type Reading = { beganMs: number; mayLackViews: boolean; answer: Promise<Answer> }
type Wants = { notBeforeMs?: number; views?: boolean }
/** So that a page that nothing can be read of is asked for once, not again by each who waited for it, ms. */
const failedMs = 200
type Options = { isHot(topic: string): boolean; copies?: PageCopies; maxBytes?: number }

/** An answer's objects take about twice the bytes of its JSON; 2 kB for the rest. */
const sizeOf = ({ shown, known }: Kept) => 2_000 + 3 * (shown.bytes.length + (known === shown ? 0 : known.bytes.length))

/** Answers of this process. Identical reads in flight are one, a newer answer is never replaced by an older or poorer one. */
export function createPageCache({ isHot, copies, maxBytes = 64_000_000 }: Options) {
  const kept = new LRUCache<string, Kept>({ maxSize: maxBytes, sizeCalculation: sizeOf })
  const reading = new Map<string, Reading>()
  const failures = new LRUCache<string, { error: unknown }>({ max: 1_000, ttl: failedMs })
  const stats = Object.fromEntries(results.map((result) => [result, 0])) as CacheStats
  const now = () => performance.now()
  const isHotTopic = ({ topic }: Question) => topic !== undefined && isHot(topic)
  const paceOf = (question: Question) => ({ isHot: isHotTopic(question), isLive: question.isLive ?? false, freshMs: question.freshMs })

  /** The answer, at once where that is possible. */
  function take(question: Question): Answer | Promise<Answer> {
    const shown = kept.get(question.key)?.shown
    const atMs = now()
    if (shown && atMs < shown.freshUntilMs) {
      stats.fresh += 1
      return shown
    }
    if (shown && atMs < shown.usableUntilMs) {
      stats.stale += 1
      if (!reading.has(question.key)) renew(question, {}).catch(() => {})
      return shown
    }
    const failure = failures.get(question.key)
    return failure ? Promise.reject(failure.error) : renew(question, {})
  }

  /**
   * The answer with what it was made from, by a read that began at `notBeforeMs` or later. Without `views` only where nothing can be read now
   * and what is known was built by another process.
   */
  async function withViews<V>(question: Question<V>, notBeforeMs = 0): Promise<Answer<V>> {
    const shown = kept.get(question.key)?.shown
    if (shown?.views && shown.asOfMs >= notBeforeMs && now() < shown.usableUntilMs) {
      stats.fresh += 1
      return shown as Answer<V>
    }
    return (await renew(question, { notBeforeMs, views: true })) as Answer<V>
  }

  async function renew(question: Question, { notBeforeMs = 0, views = false }: Wants): Promise<Answer> {
    for (let running = reading.get(question.key); running; running = reading.get(question.key)) {
      if (running.beganMs >= notBeforeMs && !(views && running.mayLackViews)) {
        stats.joined += 1
        return running.answer
      }
      await running.answer.catch(() => {})
    }
    const shown = kept.get(question.key)?.shown
    const mayLackViews = !views && (isCopied(question) || (shown !== undefined && !shown.views))
    const mine: Reading = { beganMs: now(), mayLackViews, answer: Promise.resolve() as never }
    reading.set(question.key, mine)
    mine.answer = read(question, mine, views).finally(() => reading.delete(question.key))
    return mine.answer
  }

  const isCopied = (question: Question) => copies !== undefined && question.copy !== undefined && isHotTopic(question)

  async function read(question: Question, { beganMs }: Reading, views: boolean): Promise<Answer> {
    const shown = kept.get(question.key)?.shown
    const known = knownTo(question)
    const place = isCopied(question) ? copies!.placeFor(question.topic!, question.copy!) : undefined
    const copy = views || !place ? undefined : await place.find(shown?.version)
    if (copy) {
      stats.copy += 1
      return keep(question, copy, beganMs)
    }
    const isGood = shown && beganMs < shown.rebuildAtMs && (!views || shown.views !== undefined)
    const source = known?.isPoor ? undefined : known?.views
    const built = await question.build(isGood ? shown.version : undefined, source).catch((error: unknown) => lastKnown(question, error))
    if (built === undefined) stats.unchanged += 1
    else if (!('bytes' in built)) stats.built += 1
    const found = built === undefined ? shown! : 'bytes' in built ? built : answerOfBuilt(built, beganMs)
    if (found === shown) shown.asOfMs = beganMs
    else if (found.isStale && known) found.asOfMs = known.asOfMs
    const answer = keep(question, found, beganMs)
    if (answer.degraded.length === 0) place?.write(answer)
    return views && !answer.views ? found : answer
  }

  /** When nothing can be read now: what was known within the last minute, or the refusal. */
  function lastKnown(question: Question, error: unknown): Answer {
    const known = knownTo(question)
    if (known && error instanceof DomainError && error.code === 'unavailable') return staleOf(known)
    stats.failed += 1
    failures.set(question.key, { error })
    throw error
  }

  function knownTo({ key }: Question): Answer | undefined {
    const known = kept.get(key)?.known
    return known && now() - known.asOfMs < knownMs ? known : undefined
  }

  function keep(question: Question, found: Answer, beganMs: number): Answer {
    const known = knownTo(question)
    const shown = known ? better(found, known) : found
    if (shown !== found) stats.kept += 1
    schedule(shown, paceOf(question), beganMs, now())
    const isKnown = !known || (shown === found && !found.isStale && (!found.isPoor || known.isPoor))
    const next = { shown, known: isKnown ? found : known }
    failures.delete(question.key)
    const before = kept.get(question.key)
    if (before?.shown !== next.shown || before.known !== next.known) kept.set(question.key, next)
    return shown
  }

  return { take, withViews, stats }
}

/** What was found, unless what is known is newer, or whole where the other lacks comments. */
function better(found: Answer, known: Answer): Answer {
  if (found === known) return found
  if (found.version && known.version) {
    if (compareVersions(found.version, known.version) < 0) return known
    return found.isPoor && !known.isPoor ? staleOf(known) : found
  }
  // Without Redis: MongoDB's page, unless it lags behind what was seen.
  return !found.version && known.newest > found.newest ? staleOf(known) : found
}
