import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { startServers } from '../src/embedded/start-servers.ts'

export type Row = { question: string; ours: string; floor: string; ratio: string; target: string; verdict: string; note: string }
export type Bench = { redisUrl: string; mongodbUrl: string; pids: { redis: number; mongod: number }; say(line: string): void }
export const secret = 'a secret for benchmarks, of more than 32 bytes'

/** Real servers in a folder of their own, ended and removed afterwards. */
export async function withServers<T>(run: (bench: Bench) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'ovation-bench-'))
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const servers = await startServers({ dir, say: () => {}, onDeath: (name, detail) => say(`${name} ${detail}`) })
  try {
    const { redis = 0, mongod = 0 } = servers.pids()
    return await run({ redisUrl: servers.redisUrl, mongodbUrl: servers.mongodbUrl, pids: { redis, mongod }, say })
  } finally {
    await servers.stop()
    await rm(dir, { recursive: true, force: true })
  }
}

export type Child = { pid: number; line: string; stop(): Promise<void> }

/** Runs a file of processes/ with JSON as its argument; resolves with the first line it prints. */
export async function spawnProcess(name: string, options: unknown): Promise<Child> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'processes', `${name}.js`), JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (data: Buffer) => resolve(data.toString().trim()))
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  return {
    pid: child.pid!,
    line,
    async stop() {
      if (child.exitCode !== null) return
      const ended = new Promise((resolve) => child.once('exit', resolve))
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** CPU time a process has used, µs, all threads; from /proc, in steps of 10 ms. */
export function cpuUs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10_000
}
export const rssMb = (pid: number): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024
export const peakMb = (pid: number): number => Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1024

export type Load = { perSecond: number; requests: number; failed: number; p99Ms: number }

/** Bounded load from this process: one generator. */
export async function load(
  url: string,
  request: Partial<autocannon.Options>,
  { seconds, connections = 64, rate }: { seconds: number; connections?: number; rate?: number },
): Promise<Load> {
  const result = await autocannon({ url, duration: seconds, connections, ...(rate ? { overallRate: rate } : {}), ...request })
  return {
    perSecond: result['2xx'] / result.duration,
    requests: result['2xx'],
    failed: result.non2xx + result.errors + result.timeouts,
    p99Ms: result.latency.p99,
  }
}

export const median = (numbers: readonly number[]): number => [...numbers].sort((a, b) => a - b)[numbers.length >> 1]!

/** A B A B …, so that a machine whose speed drifts slows both. */
export async function pairs(
  count: number,
  a: () => Promise<number>,
  b: () => Promise<number>,
): Promise<{ a: number; b: number; ratio: number; spread: string }> {
  const [as, bs]: [number[], number[]] = [[], []]
  for (let i = 0; i < count; i++) {
    as.push(await a())
    bs.push(await b())
  }
  const ratios = as.map((value, i) => value / bs[i]!)
  return {
    a: median(as),
    b: median(bs),
    ratio: median(ratios),
    spread: `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`,
  }
}

const rate = (perSecond: number) => `${Math.round(perSecond).toLocaleString('en')}/s`
/** A row whose ratio must not fall below its target. */
export function rowAtLeast(
  question: string,
  result: { a: number; b: number; ratio: number; spread: string },
  target: number,
  note: string,
): Row {
  const verdict = result.ratio >= target ? 'ok' : 'BELOW'
  return {
    question,
    ours: rate(result.a),
    floor: rate(result.b),
    ratio: `${result.ratio.toFixed(2)} (${result.spread})`,
    target: `≥ ${target.toFixed(2)}`,
    verdict,
    note,
  }
}
