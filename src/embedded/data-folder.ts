import { createHash } from 'node:crypto'
import { readFileSync, realpathSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { connect, createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isOpen } from './answers.ts'

/** Port and pid of the last start in a folder: the port is used again, the pid tells whether that server still runs. */
export type LastStart = { pid: number; port: number }

export const rememberStart = (file: string, start: LastStart): void => writeFileSync(file, JSON.stringify(start))

export function lastStart(file: string): LastStart | undefined {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as LastStart
  } catch {
    return undefined
  }
}

/**
 * One process a data folder. The lock is a listening socket, not a pid file: the kernel releases it with its process and no
 * later process inherits it by number. Redis does not lock its folder itself. Returns the release.
 */
export async function lockFolder(dir: string): Promise<() => void> {
  const path = join(tmpdir(), `ovation-${createHash('sha256').update(realpathSync(dir)).digest('hex').slice(0, 16)}.sock`)
  for (;;) {
    const lock = await listenAt(path)
    if (lock) return () => lock.close()
    const holder = await pidBehind(path)
    if (holder !== undefined)
      throw new Error(`${dir} is in use: an ovation with pid ${holder} runs its servers there. Stop it or use another folder.`)
    await rm(path, { force: true })
  }
}

/** A server of an earlier run is ended by its watchdog within moments; one that stays has lost it and is named. */
export async function untilGone(name: string, { pid, port }: LastStart, timeoutMs = 12_000): Promise<void> {
  const deadline = performance.now() + timeoutMs
  while (await isServer(pid, port)) {
    if (performance.now() > deadline)
      throw new Error(`A ${name} of an earlier run (pid ${pid}, port ${port}) still uses the data folder. Stop it: kill ${pid}`)
    await sleep(20)
  }
}

/** The port stands in the command line, also in the title Redis gives itself, so a pid used anew is not taken for it. */
async function isServer(pid: number, port: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
    if (process.platform !== 'linux') return await isOpen(port)
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(`${port}`)
  } catch {
    return false
  }
}

async function listenAt(path: string): Promise<Server | undefined> {
  return new Promise((resolve, reject) => {
    const lock = createServer((socket) => socket.on('error', () => {}).end(`${process.pid}`))
    lock.unref()
    lock.on('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(undefined) : reject(error)))
    lock.listen(path, () => resolve(lock))
  })
}

async function pidBehind(path: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.on('data', (pid) => resolve(pid.toString()))
    socket.on('error', () => resolve(undefined))
    socket.on('close', () => resolve(undefined))
  })
}
