import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import autocannon from 'autocannon'
import { startServers } from '../src/embedded/start-servers.ts'

export type Row = { question: string; ours: string; floor: string; ratio: string; target: string; verdict: string; note: string }
export type Bench = {
  redisUrl: string
  mongodbUrl: string
  pids: { redis: number; mongod: number }
  /** `--short`: whether it works, not how fast it is. */
  isShort: boolean
  say(line: string): void
}
/** One user writes all: limits that are looked at and never reached. */
export const unbound = { RATE_COMMENTS: '1000000/1s', RATE_LIKES: '1000000/1s', RATE_REPORTS: '1000000/1s' }
export const secret = 'a secret for benchmarks, of more than 32 bytes'

/** Real servers in a folder of their own, ended and removed afterwards, with every process that `run` left. */
export async function withServers<T>(run: (bench: Bench) => Promise<T>, isShort = false): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'ovation-bench-'))
  const say = (line: string) => void process.stderr.write(`${line}\n`)
  const servers = await startServers({ dir, say: () => {}, onDeath: (name, detail) => say(`${name} ${detail}`) })
  const interruption = new AbortController()
  const interrupt = () => interruption.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  const interrupted = new Promise<never>((_, reject) => {
    interruption.signal.addEventListener('abort', () => reject(new Error('interrupted')))
  })
  try {
    const { redis = 0, mongod = 0 } = servers.pids()
    const bench = { redisUrl: servers.redisUrl, mongodbUrl: servers.mongodbUrl, pids: { redis, mongod }, isShort, say }
    return await Promise.race([run(bench), interrupted])
  } finally {
    for (const child of children) {
      child.kill('SIGCONT') // an interrupted run may have left it frozen
      child.kill('SIGKILL')
    }
    await servers.stop()
    await rm(dir, { recursive: true, force: true })
    process.off('SIGINT', interrupt).off('SIGTERM', interrupt)
  }
}

/** Those of `spawnProcess` that run. */
const children = new Set<ChildProcess>()

export type Child = { pid: number; line: string; stop(): Promise<void> }

/** Runs a file of processes/ with JSON as its argument; resolves with the first line it prints. It ends when this process does. */
export async function spawnProcess(name: string, options: unknown): Promise<Child> {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'processes', `${name}.js`), JSON.stringify(options)], {
    stdio: ['pipe', 'pipe', 'inherit'], // its standard input ends with this process
  })
  children.add(child)
  child.once('exit', () => children.delete(child))
  const line = await new Promise<string>((resolve, reject) => {
    child.stdout!.once('data', (data: Buffer) => resolve(data.toString().trim()))
    child.once('exit', (code) => reject(new Error(`${name} ended with ${code}`)))
  })
  return {
    pid: child.pid!,
    line,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        const ended = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGTERM')
        await ended
      }
      if (child.exitCode) throw new Error(`${name} ended with ${child.exitCode}`)
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
/** `p` of 100. */
export const percentile = (numbers: readonly number[], p: number): number =>
  [...numbers].sort((a, b) => a - b)[Math.min(numbers.length - 1, Math.ceil((numbers.length * p) / 100) - 1)]!
export const spreadOf = (numbers: readonly number[]): string => `${Math.min(...numbers).toFixed(2)}–${Math.max(...numbers).toFixed(2)}`

/** Cores that each process has used since: beside a throughput, so that it is seen who was the limit. */
export function coresUsed(pids: Record<string, number>): () => string {
  const startedMs = performance.now()
  const before = Object.entries(pids).map(([name, pid]) => ({ name, pid, us: cpuUs(pid) }))
  return () => {
    const tookUs = (performance.now() - startedMs) * 1_000
    return `cores: ${before.map(({ name, pid, us }) => `${name} ${((cpuUs(pid) - us) / tookUs).toFixed(2)}`).join(', ')}`
  }
}

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
    spread: spreadOf(ratios),
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

export const msText = (ms: number): string => `${ms < 10 ? ms.toFixed(2) : ms < 100 ? ms.toFixed(1) : Math.round(ms)} ms`
/** A row whose ratios' median must not rise above its target. */
export function rowAtMost(
  question: string,
  times: { ours: number; floor: number; ratios: readonly number[] },
  target: number,
  note: string,
): Row {
  const ratio = median(times.ratios)
  return {
    question,
    ours: msText(times.ours),
    floor: msText(times.floor),
    ratio: `${ratio.toFixed(2)} (${spreadOf(times.ratios)})`,
    target: `≤ ${target.toFixed(2)}`,
    verdict: ratio <= target ? 'ok' : 'ABOVE',
    note,
  }
}
/** A row of one time that must stay below its target, ms; without a target it informs. */
export function rowBelow(
  question: string,
  ms: number,
  targetMs: number | undefined,
  { spread = '', note }: { spread?: string; note: string },
): Row {
  const verdict = targetMs === undefined ? '' : ms < targetMs ? 'ok' : 'ABOVE'
  return { question, ours: msText(ms), floor: '', ratio: spread, target: targetMs === undefined ? '' : `< ${targetMs} ms`, verdict, note }
}
