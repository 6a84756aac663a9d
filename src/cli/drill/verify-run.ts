import { setTimeout as delay } from 'node:timers/promises'
import type { Run } from './open-run.ts'
import { verifyCounts, verifyLikes } from './verify-answers.ts'
import { verifyStores } from './verify.ts'

const tries = 4
const pauseMs = 2_000

/** Of the stores where they are given, of what the API answers otherwise. A server that is slow after a flood is asked again. */
export async function verifyRun(run: Run): Promise<Awaited<ReturnType<typeof verify>>> {
  for (let tried = 1; ; tried++) {
    try {
      return await verify(run)
    } catch (error) {
      if (tried === tries || run.signal.aborted) throw error
      run.progress.say(`comparing again: ${error instanceof Error ? error.message : String(error)}`)
      await delay(pauseMs, undefined, { signal: run.signal })
    }
  }
}

async function verify({ ledger, topics, stores, deployment, sinceMs, deadBefore }: Run) {
  const { url } = deployment
  const counts = await verifyCounts({ url, ledger, topics })
  if (stores)
    return { stores: await verifyStores({ ledger, topics, ...stores, sinceMs, deadBefore: await deadBefore }), counts, likes: undefined }
  return { stores: undefined, counts, likes: await verifyLikes({ url, ledger, topics }) }
}
