import type { Context } from 'hono'
import type { Append, Target } from '../../events/append.ts'
import { DomainError } from '../../errors.ts'
import type { AppEnv } from '../app.ts'
import { hasSayOver } from '../auth.ts'
import type { CommandDependencies } from '../dependencies.ts'
import { appendWithin, isHeard } from '../limits/admit.ts'

type OnComment = Pick<Append, 'type' | 'personal' | 'priority' | 'idempotency'> & {
  facts?: Append['facts']
  target?: Omit<Target, 'commentId'>
}

/** Appends an event on the comment of the path and names the write in `Ovation-Write`. Resolves with the outcome. */
export async function appendOnComment(
  c: Context<AppEnv>,
  { append, tokens }: CommandDependencies,
  topic: string,
  commentId: string,
  command: OnComment,
) {
  const { facts, target, ...rest } = command
  const outcome = await appendWithin(c, append, {
    priority: isHeard(c, topic),
    ...rest,
    topic,
    actor: c.var.user.id,
    correlationId: c.var.correlationId,
    facts: { commentId, ...facts },
    target: { commentId, ...target },
  })
  if (outcome.kind !== 'unchanged') c.header('Ovation-Write', tokens.sign({ topic, lane: outcome.entryLane, entryId: outcome.entryId }))
  return outcome
}

/** Refuses who is neither the topic's artist nor a moderator of it. */
export function requireSayOver(c: Context<AppEnv>, topic: string, roles: readonly string[] = ['artist', 'moderator', 'admin']): void {
  const { user } = c.var
  if (!roles.includes(user.role) || !hasSayOver(user, topic))
    throw new DomainError('not-allowed', `this needs a say over the topic as ${roles.join(' or ')}`)
}
