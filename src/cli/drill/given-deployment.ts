import { readFileSync } from 'node:fs'
import { type Config, readConfig } from '../../config.ts'
import { unset } from '../deployment.ts'
import { Failure } from '../failures.ts'
import { findFolder, secretFileIn } from '../run-file.ts'
import type { Deployment } from './deployment.ts'

export type GivenTarget = { url: string; writeUrl?: string; isRunByUs: boolean }

const isLoopback = (url: string): boolean => /^(localhost|127(\.\d+){3}|\[::1\])$/.test(new URL(url).hostname)

/** A running deployment: its token secret, and its stores where the environment names them. Refuses what is not on this machine, unless it was confirmed. */
export async function openGivenDeployment({ url, writeUrl = url, isRunByUs }: GivenTarget): Promise<Deployment> {
  const elsewhere = [url, writeUrl].find((each) => !isLoopback(each))
  if (elsewhere && !isRunByUs)
    throw new Failure(
      'usage',
      `${elsewhere} is not on this machine. A drill is an attack on whom it is not meant for: --i-run-this-deployment says it is yours`,
    )
  const { jwtSecret, jwtIssuer, jwtAudience, ...config } = readSecret()
  const answer = await fetch(`${url}/healthz`, { signal: AbortSignal.timeout(5_000) }).catch((cause: Error) => {
    throw new Failure('unreachable', `${url} does not answer: ${cause.message}`, { cause })
  })
  if (!answer.ok) throw new Failure('unreachable', `${url}/healthz answers ${answer.status}`)
  const hasStores = config.redisUrl !== unset.REDIS_URL && config.mongodbUrl !== unset.MONGODB_URL
  const { redisUrl, mongodbUrl, keyPrefix, partitions, idempotencyWindowMs } = config
  return {
    url,
    writeUrl,
    jwt: { secret: jwtSecret, ...(jwtIssuer ? { issuer: jwtIssuer } : {}), ...(jwtAudience ? { audience: jwtAudience } : {}) },
    stores: hasStores ? { redisUrl, mongodbUrl, keyPrefix, partitions, idempotencyWindowMs } : undefined,
    own: undefined,
    stop: async () => {},
  }
}

/** JWT_SECRET, or the development secret of the deployment that runs in this folder. */
function readSecret(): Config & { jwtSecret: string } {
  const folder = findFolder('secret')
  const none = 'none'.repeat(8)
  const config = readConfig(undefined, { ...unset, JWT_SECRET: folder ? readFileSync(secretFileIn(folder), 'utf8').trim() : none })
  const { jwtSecret = none } = config
  if (jwtSecret === none) throw new Failure('usage', 'JWT_SECRET must be set: the drill signs the tokens of its users with it')
  return { ...config, jwtSecret }
}
