import type { Collection, Db, IndexDescription } from 'mongodb'

/** A mirror of the log: one document an event, as it was written. */
export type EventDocument = {
  /** `<partition, 3 digits>/<position>/<lane>/<term>`: a range of `_id` is a range of the partition's history. */
  _id: string
  id: string
  lane: string
  term: number
  seq: number
  type: string
  v: number
  topic: string
  actor: string
  at: Date
  cid: string
  key: string
  /** JSON of the version written, byte for byte. */
  data: string
  /** `<partition, 3 digits>/<position>` of its newest entry, where reconciling wrote it to the log again. */
  seen?: string
}

/** Start of the archive ids of a partition's events at a position, and the form of `seen`. */
export const archiveKey = (partition: number, position: string): string => `${String(partition).padStart(3, '0')}/${position}`

/** A last-writer-wins field: `v` is the position that wrote it and comes first, so `$max` of two of them is the merge. */
export type Register<T> = { v: string } & T

/** `_id` is `<topic>/<comment>`. A stub, made by an event that was read before the creation, has registers but no author yet. */
export type CommentDocument = {
  _id: string
  topic: string
  commentId: string
  position?: string
  rootId?: string | null
  parentId?: string | null
  author?: { id: string; role: string; name: string | null; picture?: string }
  createdAt?: Date
  body?: Register<{ text: string | null; at: Date | null }>
  deleted?: Register<{ by: string }>
  visibility?: Register<{ state: 'visible' | 'hidden' | 'held' }>
  pinned?: Register<{ isPinned: boolean }>
  /** Merged from the Redis models at most once a second; `v` is that model's version. */
  likes?: Register<{ n: number }>
  replies?: Register<{ n: number }>
}

/** `_id` is `<topic>/<comment>/<user>`. */
export type LikeDocument = { _id: string; topic: string; commentId: string; user: string; liked: Register<{ isLiked: boolean }> }

/** What a deployment decided once: `partitions`. */
export type SettingDocument = { _id: string; value: unknown }

export type Collections = {
  events: Collection<EventDocument>
  comments: Collection<CommentDocument>
  likes: Collection<LikeDocument>
  settings: Collection<SettingDocument>
}

export const collectionsOf = (db: Db): Collections => ({
  events: db.collection('events'),
  comments: db.collection('comments'),
  likes: db.collection('likes'),
  settings: db.collection('settings'),
})

/** Event ids of imports, `import:<source>:<id>`, are looked up before an import appends; no other id is indexed. */
export const importIds = { $gte: 'import:', $lt: 'import;' } as const

const indexes = {
  events: [
    { key: { id: 1 }, name: 'imports', partialFilterExpression: { id: importIds } },
    { key: { seen: 1 }, name: 'seen', sparse: true },
  ],
  // Roots have rootId null: one index serves newest, oldest and the replies of a root.
  comments: [{ key: { topic: 1, rootId: 1, position: 1 }, name: 'order' }],
  likes: [],
  settings: [],
} as const satisfies Record<keyof Collections, readonly IndexDescription[]>

/** Creates what is missing; safe to run at every start and by several processes at once. */
export async function ensureIndexes(collections: Collections): Promise<void> {
  for (const [name, wanted] of Object.entries(indexes)) {
    if (wanted.length > 0)
      await (collections[name as keyof Collections] as unknown as Collection).createIndexes([...wanted] as IndexDescription[])
  }
}
