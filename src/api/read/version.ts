/** How far the Redis models of a topic had come when they were read: see version.lua. Within a term `changes` only rises. */
export type Version = { term: number; changes: number }

export const versionText = ({ term, changes }: Version): string => `${term}.${changes}`

export function versionIn(text: string): Version {
  const dot = text.indexOf('.')
  return { term: Number(text.slice(0, dot)), changes: Number(text.slice(dot + 1)) }
}

/** Below 0 where `a` is the older. The term comes first: an emptied server counts its changes from nothing again. */
export const compareVersions = (a: Version, b: Version): number => a.term - b.term || a.changes - b.changes
