import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { lastStart, lockFolder, rememberStart, untilGone } from './data-folder.ts'
import { freePort } from './free-port.ts'

describe('a data folder', () => {
  let dir: string
  beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'ovation-folder-'))))
  afterEach(() => rmSync(dir, { recursive: true }))

  it('is held by one at a time', async () => {
    const release = await lockFolder(dir)
    await expect(lockFolder(dir)).rejects.toThrow(`${dir} is in use: an ovation with pid ${process.pid} runs its servers there`)
    release()
    const again = await lockFolder(dir)
    again()
  })

  it('is free again after its holder was killed', async () => {
    const lock = `await (await import('${import.meta.dirname}/data-folder.ts')).lockFolder('${dir}'); console.log('held'); setInterval(() => {}, 1e6)`
    const holder = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', lock], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(holder.stdout, 'data')
    await expect(lockFolder(dir)).rejects.toThrow(`pid ${holder.pid}`)
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    const release = await lockFolder(dir)
    release()
  })

  it('remembers its last start', () => {
    const file = join(dir, 'redis.json')
    expect(lastStart(file)).toBeUndefined()
    rememberStart(file, { pid: 12, port: 7000 })
    expect(lastStart(file)).toEqual({ pid: 12, port: 7000 })
  })

  it('waits for a server of an earlier run and names one that stays', async () => {
    const orphan = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e6)', '7000'])
    await once(orphan, 'spawn')
    const before = { pid: orphan.pid ?? 0, port: 7000 }
    await expect(untilGone('redis', before, 50)).rejects.toThrow(`Stop it: kill ${orphan.pid}`)
    await untilGone('redis', { ...before, port: 7001 }, 0) // the pid belongs to something else now
    const gone = untilGone('redis', before)
    orphan.kill('SIGKILL')
    await gone
  })
})

describe('freePort', () => {
  it('keeps the wanted port while it is free, and stays below the ephemeral ones', async () => {
    const port = await freePort()
    expect(port).toBeLessThan(32_768)
    expect(await freePort(port)).toBe(port)
    const taken = createServer().listen(port, '127.0.0.1')
    await once(taken, 'listening')
    expect(await freePort(port)).not.toBe(port)
    taken.close()
  })
})
