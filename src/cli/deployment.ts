import { readFileSync } from 'node:fs'
import { type Config, type StoresConfig, readConfig, readStoresConfig } from '../config.ts'
import { Failure } from './failures.ts'
import { findFolder, readRunFile, secretFileIn } from './run-file.ts'

/** Stand for URLs that the environment does not give: they pass the schema and are never connected to. */
export const unset = { REDIS_URL: 'redis://unset', MONGODB_URL: 'mongodb://unset' }

/** The settings of the deployment this command is for: the one the environment names, else the one that runs here. */
export const findStores = (): StoresConfig => readStoresConfig(undefined, localDefaults())

/** The same for an API. The development secret counts only for the deployment that made it. */
export function findConfig(): Config {
  const defaults = localDefaults()
  const folder = 'REDIS_URL' in defaults ? findFolder('secret') : undefined
  return readConfig(undefined, { ...defaults, ...(folder ? { JWT_SECRET: readFileSync(secretFileIn(folder), 'utf8').trim() } : {}) })
}

function localDefaults(): Record<string, string> {
  const { redisUrl, mongodbUrl } = readStoresConfig(undefined, unset)
  if (redisUrl !== unset.REDIS_URL && mongodbUrl !== unset.MONGODB_URL) return {}
  const folder = findFolder('run.json')
  const run = folder && readRunFile(folder)
  if (!run) throw new Failure('unreachable', 'no deployment is running here: npm start, or set REDIS_URL and MONGODB_URL')
  return {
    REDIS_URL: run.redisUrl,
    MONGODB_URL: run.mongodbUrl,
    ...(run.keyPrefix ? { KEY_PREFIX: run.keyPrefix } : {}),
    ...(run.partitions ? { PARTITIONS: String(run.partitions) } : {}),
  }
}
