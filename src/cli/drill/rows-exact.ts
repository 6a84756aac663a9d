import type { Ledger } from './ledger.ts'
import { sizeOf } from './ledger.ts'
import type { Totals } from './recorder.ts'
import { type Row, notChecked, number, row } from './rows.ts'
import type { Comparison, verifyStores } from './verify.ts'
import type { verifyLikes } from './verify-answers.ts'

type Exact = {
  ledger: Ledger
  stores: Awaited<ReturnType<typeof verifyStores>> | undefined
  counts: Comparison
  likes: Awaited<ReturnType<typeof verifyLikes>> | undefined
  totals: Totals
}
const withoutStores = 'the stores are not given: REDIS_URL and MONGODB_URL'

/** Nothing acknowledged is missing and nothing is there that nobody asked for. */
export function exactRows({ ledger, stores, counts, likes, totals }: Exact): Row[] {
  const { unsure } = ledger
  const liked = stores?.likes ?? likes
  const [posts, events] = [sizeOf(ledger.posts), sizeOf(ledger.events)]
  const exactly = (comparison: Comparison, mayBeMore: number) => comparison.missing === 0 && comparison.unexpected <= mayBeMore
  const found = ({ missing, unexpected, examples }: Comparison) =>
    missing + unexpected === 0
      ? undefined
      : `${number(missing)} missing, ${number(unexpected)} unexpected: ${examples.slice(0, 2).join('; ')}`
  const both = (a: Comparison, b: Comparison) => found(a) ?? found(b)

  return [
    stores
      ? row(
          'persisted',
          'comments: acknowledged = persisted',
          number(posts),
          number(stores.comments.found),
          exactly(stores.comments, unsure.posts),
          found(stores.comments),
        )
      : notChecked('persisted', 'comments: acknowledged = persisted', number(posts), withoutStores),
    stores
      ? row(
          'archived',
          'events: acknowledged = archived',
          number(events),
          number(stores.events.found),
          exactly(stores.events, unsure.posts + unsure.events),
          found(stores.events),
        )
      : notChecked('archived', 'events: acknowledged = archived', number(events), withoutStores),
    row(
      'counts-exact',
      'counts exact (totals, roots, replies)',
      'all',
      wrongOf(counts, stores?.replies),
      exactly(counts, unsure.posts) && (!stores || exactly(stores.replies, unsure.posts)),
      stores ? both(counts, stores.replies) : found(counts),
    ),
    liked
      ? row('likes-exact', 'likes exact', 'all', wrongOf(liked), exactly(liked, unsure.events), found(liked) ?? likes?.lookedAt)
      : notChecked('likes-exact', 'likes exact', 'all', withoutStores),
    stores
      ? row('dead-letters', 'events that could not be applied', '0', number(stores.dead), stores.dead === 0)
      : notChecked('dead-letters', 'events that could not be applied', '0', withoutStores),
    row(
      'reader-errors',
      'no 5xx and no broken connection to readers',
      '0',
      number(totals.serverErrors),
      totals.serverErrors === 0,
      readNote(totals),
    ),
    row('failed-writes', 'no failed writes', '0', number(totals.failed), totals.failed === 0, writeNote(totals)),
  ]
}

function wrongOf(...comparisons: (Comparison | undefined)[]): string {
  const wrong = comparisons.reduce((sum, each) => sum + (each ? each.missing + each.unexpected : 0), 0)
  return wrong === 0 ? 'all' : `${number(wrong)} wrong`
}

const readNote = ({ reads, otherErrors, firstReadError }: Totals): string =>
  [`of ${number(reads)} reads`, otherErrors > 0 ? `${number(otherErrors)} were refused with 4xx` : '', firstReadError ?? '']
    .filter(Boolean)
    .join('; ')

function writeNote({ accepted, repeated, firstWriteError }: Totals): string {
  return [
    `of ${number(accepted)} by HTTP`,
    repeated > 0 ? `${number(repeated)} repeats until the outcome was known` : '',
    firstWriteError ?? '',
  ]
    .filter(Boolean)
    .join('; ')
}
