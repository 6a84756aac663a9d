import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AskName, Asks, Reply, Tick } from './messages.ts'
import { generatorFile } from './own-files.ts'

export type Generator = {
  /** Rejects when its process ends, whoever ended it. */
  ended: Promise<never>
  /** Rejects when the generator failed at it, or ended. */
  ask<N extends AskName>(name: N, ask: Asks[N]['ask']): Promise<Asks[N]['answer']>
  stop(): Promise<void>
}

/** Load comes from a process of its own, so that what measures is not what is busy. It ends with `signal`, and with this process. */
export async function startGenerator(onTick: (tick: Tick, atMs: number) => void, signal: AbortSignal): Promise<Generator> {
  const child = fork(generatorFile, [], {
    serialization: 'advanced',
    execArgv: process.execArgv,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  const waiting = new Map<number, { resolve(answer: never): void; reject(error: Error): void }>()
  let asks = 0
  const ended = new Promise<never>((_, reject) => {
    const end = (reason: string) => {
      const error = new Error(`a generator of load ended: ${reason}`)
      for (const asked of waiting.values()) asked.reject(error)
      waiting.clear()
      reject(error)
    }
    child.once('exit', (code, killedBy) => end(killedBy ?? `exit code ${code}`))
    child.on('error', ({ message }) => end(message))
  })
  ended.catch(() => {}) // for who waits for it
  child.on('message', (reply: Reply) => {
    if ('tick' in reply) return onTick(reply.tick, reply.atMs)
    const asked = waiting.get(reply.id)
    waiting.delete(reply.id)
    if ('error' in reply) asked?.reject(new Error(reply.error))
    else asked?.resolve(reply.answer as never)
  })
  signal.addEventListener('abort', () => child.kill('SIGKILL'))
  await once(child, 'spawn')
  return {
    ended,
    ask: (name, ask) =>
      new Promise((resolve, reject) => {
        const id = (asks += 1)
        waiting.set(id, { resolve, reject })
        child.send({ id, name, ask }, (error) => {
          if (error && waiting.delete(id)) reject(error)
        })
      }),
    async stop() {
      child.kill('SIGKILL')
      await ended.catch(() => {})
    },
  }
}
