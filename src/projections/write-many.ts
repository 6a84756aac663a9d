import { type AnyBulkWriteOperation, type Collection, MongoBulkWriteError } from 'mongodb'
import { bounded } from '../mongo/bounded.ts'
import { writeTimeoutMs } from '../mongo/connect.ts'

const duplicateKey = 11_000
/** A little more than the driver allows itself: it then fails by its own rules, or is given up where it would wait for ever. */
const boundMs = writeTimeoutMs + 1_000

/** Unordered inserts, a fifth of the cost of upserts; returns the documents whose `_id` was taken. */
export async function insertNew<T extends { _id: string }>(collection: Collection<T>, documents: readonly T[]): Promise<T[]> {
  if (documents.length === 0) return []
  try {
    await bounded(boundMs, collection.insertMany(documents as never, { ordered: false }))
    return []
  } catch (error) {
    return duplicatesIn(error).map((index) => documents[index]!)
  }
}

/** Unordered updates that may create. When two consumers create one document at once, one of them collides: it then updates. */
export async function updateAll<T extends { _id: string }>(
  collection: Collection<T>,
  updates: readonly AnyBulkWriteOperation<T>[],
): Promise<void> {
  for (let left = updates; left.length > 0;) {
    try {
      await bounded(boundMs, collection.bulkWrite(left, { ordered: false }))
      return
    } catch (error) {
      left = duplicatesIn(error).map((index) => left[index]!)
    }
  }
}

/**
 * Indexes of what failed, where all of it failed because its `_id` was taken; throws every other error. When duplicates and a write-concern
 * failure coincide the driver reports neither write errors nor code 11000 (seen with 6.x): that is thrown, and the batch repeated.
 */
function duplicatesIn(error: unknown): number[] {
  if (!(error instanceof MongoBulkWriteError) || error.code !== duplicateKey) throw error
  const writeErrors = [error.writeErrors].flat()
  const failed = writeErrors.find(({ code }) => code !== duplicateKey)
  if (failed || writeErrors.length === 0 || error.result.getWriteConcernError()) throw error
  return writeErrors.map(({ index }) => index)
}
