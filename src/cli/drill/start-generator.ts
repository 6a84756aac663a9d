import { fork } from 'node:child_process'
import { once } from 'node:events'
import type { AskName, Asks, Reply, Tick } from './messages.ts'
import { generatorFile } from './own-files.ts'

export type Generator = {
  pid: number
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
  const ended = once(child, 'exit').then(([code, signal]) => {
    for (const { reject } of waiting.values()) reject(new Error(`the generator ended (${signal ?? code})`))
    waiting.clear()
  })
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
    pid: child.pid!,
    ask: (name, ask) =>
      new Promise((resolve, reject) => {
        const id = (asks += 1)
        waiting.set(id, { resolve, reject })
        child.send({ id, name, ask })
      }),
    async stop() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
