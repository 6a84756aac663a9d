import type { Collection } from 'mongodb'
import type { SettingDocument } from './collections.ts'

/**
 * The number of partitions as the archive was begun with, recorded at first start: an emptied Redis forgets its own record, and the archive's
 * ids begin with the partition. Resolves with a fault to print, or undefined.
 */
export async function archivedPartitionsFault(settings: Collection<SettingDocument>, partitions: number): Promise<string | undefined> {
  const update = { $setOnInsert: { value: partitions } }
  const recorded = await settings.findOneAndUpdate({ _id: 'partitions' }, update, { upsert: true, returnDocument: 'after' })
  const value = Number(recorded?.value)
  return value === partitions ? undefined : `PARTITIONS is ${partitions}, the archive was begun with ${value}: set PARTITIONS=${value}`
}
