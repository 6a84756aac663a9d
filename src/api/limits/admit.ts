import type { Context, MiddlewareHandler } from 'hono'
import type { Append, AppendToLog, Outcome } from '../../events/append.ts'
import type { AppEnv } from '../app.ts'
import { hasSayOver } from '../auth.ts'
import type { Admission } from './admission.ts'
import type { QuotaOf } from './quotas.ts'
import type { WriteClass } from './rate.ts'

export type Admit = (name: WriteClass) => MiddlewareHandler<AppEnv>

/**
 * Before the body is read: refuses a class of writes that is shed, and who has used up the quota. Neither is asked of the topic's artist and
 * moderators, whose writes are ahead of everybody's.
 */
export function createAdmit(quotaOf: QuotaOf, admission: Pick<Admission, 'requireRoom'>): Admit {
  return (name) => async (c, next) => {
    const topic = c.req.param('topic') ?? ''
    if (!isHeard(c, topic)) {
      admission.requireRoom(name, topic)
      const quota = quotaOf(name, c.var.user.id, topic)
      quota?.requireLeft(c)
      c.set('quota', quota)
    }
    await next()
  }
}

/** Whether the user's writes on this topic take the priority lane. */
export const isHeard = (c: Context<AppEnv>, topic: string): boolean => c.var.user.role !== 'user' && hasSayOver(c.var.user, topic)

/** Appends, within the quota that `admit` found. */
export async function appendWithin(c: Context<AppEnv>, append: AppendToLog, event: Append): Promise<Outcome> {
  const { quota } = c.var
  return quota ? await quota.use(c, (limit) => append({ ...event, limit })) : await append(event)
}
