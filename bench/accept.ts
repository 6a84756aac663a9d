import { type Bench, type Row, load, pairs, peakMb, rowAtLeast, spawnProcess } from './harness.ts'
import { bodyOf } from './events.ts'
import { apiEnv, placeOf } from './system.ts'
import { tokenOf } from './token.ts'

/** Accept a comment: POST accepted/s over the bare JSON POST. Consumers stopped, one API process, one generator. */
export async function accept(bench: Bench): Promise<Row[]> {
  const api = await spawnProcess('api', apiEnv(placeOf(bench, 'accept')))
  const bare = await spawnProcess('bare-post', {})
  try {
    const request = await postRequest()
    const post = (url: string) => async () => {
      const { perSecond, failed } = await load(`${url}/v1/topics/song:accept/comments`, request, { seconds: 4 })
      if (failed > 0) throw new Error(`${failed} requests failed`)
      return perSecond
    }
    await post(api.line)()
    await post(bare.line)()
    const result = await pairs(7, post(api.line), post(bare.line))
    return [rowAtLeast('accept a comment', result, 0.7, `API peak ${Math.round(peakMb(api.pid))} MB`)]
  } finally {
    await Promise.all([api.stop(), bare.stop()])
  }
}

/** A POST as a browser sends it. Without a key, so that each request is a comment of its own. */
export async function postRequest() {
  const token = await tokenOf()
  return {
    method: 'POST' as const,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ body: bodyOf(1) }),
  }
}
