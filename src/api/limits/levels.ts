import { shortOfMemory } from '../../redis/memory.ts'
import type { WriteClass } from './rate.ts'

/** What is refused: nothing, likes and reports, comments too. */
export type Level = 0 | 1 | 2
/** From where on each level holds, and down to which share of that once it does. */
export type Steps = { first: number; second: number; release: number }

/** Share of maxmemory. Likes go at 75 %; 15 % stay for artists, moderators and what the consumers write of a backlog. */
export const memorySteps: Steps = { first: shortOfMemory, second: 0.85, release: 0.93 }
/** Events that the slowest group has not been given. */
export const lagSteps = (events: number): Steps => ({ first: events, second: 3 * events, release: 0.5 })

/** A level is taken at once and left late, so that a value which hovers does not open and close the door. */
export function levelAt(value: number, { first, second, release }: Steps, before: Level = 0): Level {
  const holds = (level: Level, step: number) => value >= (before >= level ? step * release : step)
  return holds(2, second) ? 2 : holds(1, first) ? 1 : 0
}

export const isShed = (name: WriteClass, level: Level): boolean => level >= (name === 'comments' ? 2 : 1)
