import { describe, expect, it, vi } from 'vitest'
import type { Leashed } from './leash.ts'
import { supervise } from './supervise.ts'

/** Servers that die when told to. */
function fakeServers() {
  const started: { die(how: string): void }[] = []
  const spawn = (): Leashed => {
    let alive = true
    let die = (_how: string) => {}
    const exited = new Promise<string>((resolve) => {
      die = (how) => {
        alive = false
        resolve(how)
      }
    })
    started.push({ die })
    return { pid: () => (alive ? started.length : undefined), exited, stop: async () => die('stopped') }
  }
  return { started, spawn }
}
const answers = async () => true

describe('supervise', () => {
  it('starts a dead server again, later each time', async () => {
    const { started, spawn } = fakeServers()
    const deaths: string[] = []
    const server = await supervise({ spawn, answers, onDeath: (detail) => deaths.push(detail), firstDelayMs: 1, longestDelayMs: 4 })
    for (const n of [1, 2, 3, 4]) {
      started[n - 1]?.die('was killed by SIGKILL')
      await vi.waitFor(() => expect(started).toHaveLength(n + 1), { interval: 1 })
    }
    expect(deaths.map((detail) => detail.replace(/.* in /, ''))).toEqual(['1 ms', '2 ms', '4 ms', '4 ms'])
    expect(server.pid()).toBe(5)
    await server.stop()
    expect(started).toHaveLength(5)
  })

  it('forgets earlier deaths of a server that ran stably', async () => {
    const { started, spawn } = fakeServers()
    const deaths: string[] = []
    const server = await supervise({ spawn, answers, onDeath: (detail) => deaths.push(detail), firstDelayMs: 1, stableMs: -1 })
    for (const n of [1, 2]) {
      started[n - 1]?.die('exited with code 1')
      await vi.waitFor(() => expect(started).toHaveLength(n + 1), { interval: 1 })
    }
    expect(deaths).toEqual(Array(2).fill('exited with code 1; starting it again in 1 ms'))
    await server.stop()
  })

  it('counts a start that throws as one more death', async () => {
    const { started, spawn } = fakeServers()
    const deaths: string[] = []
    let diskFull = false
    const spawnOnDisk = () => {
      if (diskFull) throw new Error('no space left')
      return spawn()
    }
    const onDeath = (detail: string) => {
      deaths.push(detail)
      diskFull = deaths.length < 3
    }
    const server = await supervise({ spawn: spawnOnDisk, answers, onDeath, firstDelayMs: 1 })
    started[0]?.die('exited with code 1')
    await vi.waitFor(() => expect(started).toHaveLength(2), { interval: 1 })
    expect(deaths[1]).toBe('could not be started: no space left; starting it again in 2 ms')
    await server.stop()
  })

  it('rejects when the first start dies, and when it never answers', async () => {
    const { started, spawn } = fakeServers()
    const deaf = async () => false
    const dying = supervise({ spawn, answers: deaf, onDeath: () => {} })
    started[0]?.die('exited with code 100')
    await expect(dying).rejects.toThrow('exited with code 100')
    await expect(supervise({ spawn, answers: deaf, onDeath: () => {}, startTimeoutMs: 20 })).rejects.toThrow('did not answer within 0.02 s')
  })

  it('does not start again while it stops', async () => {
    const { started, spawn } = fakeServers()
    const onDeath = vi.fn<(detail: string) => void>()
    const server = await supervise({ spawn, answers, onDeath, firstDelayMs: 60_000 })
    started[0]?.die('exited with code 1')
    await vi.waitFor(() => expect(onDeath).toHaveBeenCalledOnce())
    await server.stop()
    expect(started).toHaveLength(1)
  })
})
