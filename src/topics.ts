import { z } from 'zod'
import { DomainError } from './errors.ts'

const topicPattern = /^[A-Za-z0-9][A-Za-z0-9:._~-]{0,127}$/
const globPattern = /^[A-Za-z0-9:._~*-]{1,128}$/
/** Topics of our own: events of the site, never a place for comments. */
const reserved = 'ovation:'

export const isTopicId = (topic: string): boolean => topicPattern.test(topic)
export const TopicId = z.string().regex(topicPattern, 'a topic is 1 to 128 of A-Z a-z 0-9 : . _ ~ - and begins with a letter or digit')
/** A pattern for topic ids in which `*` stands for any characters. */
export const TopicGlob = z.string().regex(globPattern, 'a topic glob is 1 to 128 of A-Z a-z 0-9 : . _ ~ - *')

/** Whether the topic matches. Each piece between stars is sought once, so no glob takes long. */
export function matchesGlob(glob: string, topic: string): boolean {
  const pieces = glob.split('*')
  if (pieces.length === 1) return glob === topic
  const [first, last] = [pieces[0]!, pieces.at(-1)!]
  if (topic.length < first.length + last.length || !topic.startsWith(first) || !topic.endsWith(last)) return false
  const end = topic.length - last.length
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = topic.indexOf(piece, at)
    if (found === -1 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

export type TopicPolicy = {
  isAllowed(topic: string): boolean
  /** Throws `invalid-input` for what is no topic id and `topic-not-allowed` for one that this site has no comments on. */
  requireAllowed(topic: string): void
}

export function createTopicPolicy(globs: readonly string[]): TopicPolicy {
  const isServed = (topic: string) => !topic.startsWith(reserved) && globs.some((glob) => matchesGlob(glob, topic))
  return {
    isAllowed: (topic) => isTopicId(topic) && isServed(topic),
    requireAllowed(topic) {
      const { error } = isTopicId(topic) ? {} : TopicId.safeParse(topic)
      if (error) throw new DomainError('invalid-input', 'not a topic', { issues: [{ path: 'topic', message: error.issues[0]!.message }] })
      if (!isServed(topic)) throw new DomainError('topic-not-allowed', 'there are no comments on this topic here')
    },
  }
}
