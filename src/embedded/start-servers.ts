import { mkdirSync } from 'node:fs'
import { rename } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { Logger } from 'pino'
import { lastStart, lockFolder, rememberStart, untilGone } from './data-folder.ts'
import { findServer } from './find-server.ts'
import { freePort } from './free-port.ts'
import { spawnLeashed } from './leash.ts'
import { logTail } from './log-tail.ts'
import { mongod, redis, type ServerKind } from './server-kinds.ts'
import { supervise, type Supervised } from './supervise.ts'

export type Servers = {
  redisUrl: string
  mongodbUrl: string
  stop(): Promise<void>
  /** For fault tests. Undefined for a server that is not ours or is down just now. */
  pids(): { redis?: number; mongod?: number }
}

type Options = {
  /** Data and logs; kept between starts. */
  dir: string
  /** Given: that server is used, none is started. */
  redisUrl?: string
  mongodbUrl?: string
  /** One line for a person: what was found, is being fetched, is missing. */
  say(line: string): void
  /** A started server died; it is being started again. */
  onDeath?(name: 'redis' | 'mongod', detail: string): void
  log?: Logger
  env?: NodeJS.ProcessEnv
}

/** Resolves when both servers answer. They end with this process, however it ends. Throws when one cannot be had, with what to do. */
export async function startServers(options: Options): Promise<Servers> {
  const dir = resolve(options.dir)
  mkdirSync(dir, { recursive: true })
  const unlock = options.redisUrl && options.mongodbUrl ? () => {} : await lockFolder(dir)
  const starts = await Promise.allSettled([
    options.redisUrl ? given('redis', options.redisUrl, options.say) : startServer(redis, dir, options),
    options.mongodbUrl ? given('mongod', options.mongodbUrl, options.say) : startServer(mongod, dir, options),
  ])
  const stop = async () => {
    await Promise.all(starts.map(async (start) => start.status === 'fulfilled' && (await start.value.stop())))
    unlock()
  }
  const [one, other] = starts
  if (one?.status !== 'fulfilled' || other?.status !== 'fulfilled') {
    await stop()
    const reasons = starts.flatMap((start) => (start.status === 'rejected' ? [start.reason as Error] : []))
    throw new Error(reasons.map(({ message }) => message).join('\n'), { cause: reasons[0] })
  }
  return {
    redisUrl: one.value.url,
    mongodbUrl: other.value.url,
    stop,
    pids: () => ({ redis: one.value.pid(), mongod: other.value.pid() }),
  }
}

type Started = Supervised & { url: string }

function given(name: string, url: string, say: (line: string) => void): Started {
  say(`${name}: using ${url.replace(/\/\/[^@/]*@/, '//')}`)
  return { url, pid: () => undefined, stop: async () => {} }
}

async function startServer(kind: ServerKind, dir: string, { say, onDeath, log, env = process.env }: Options): Promise<Started> {
  const { name } = kind
  const dataDir = join(dir, name === 'mongod' ? 'mongodb' : name)
  const logFile = join(dir, `${name}.log`)
  const memory = join(dir, `${name}.json`)
  mkdirSync(dataDir, { recursive: true })
  const launch = await findServer(kind, { env, say })
  const before = lastStart(memory)
  if (before) await untilGone(name, before)
  await rename(logFile, join(dir, `${name}.previous.log`)).catch(() => {})
  const port = await freePort(before?.port)
  const startedAt = performance.now()
  const server = await supervise({
    spawn() {
      const leashed = spawnLeashed(launch({ port, bind: '127.0.0.1', dataDir, logFile }), logFile, env)
      const pid = leashed.pid()
      if (pid !== undefined) rememberStart(memory, { pid, port })
      return leashed
    },
    answers: () => kind.answers(port),
    onSlow: () => say(`${name}: still starting, see ${logFile}`),
    onDeath(detail) {
      log?.warn({ server: name, port, detail }, 'server died')
      onDeath?.(name, detail)
    },
  }).catch((error: Error) => {
    throw new Error(`${name} ${error.message}. The end of ${logFile}:\n${logTail(logFile)}`, { cause: error })
  })
  log?.info({ server: name, port, pid: server.pid(), tookMs: Math.round(performance.now() - startedAt) }, 'server started')
  return { ...server, url: kind.url(port) }
}
