import type { Redis } from 'ioredis'
import type { Logger } from 'pino'
import { Counter, type Registry } from 'prom-client'
import type { Config } from '../../config.ts'
import { DomainError } from '../../errors.ts'
import type { Keys } from '../../redis/keys.ts'
import type { Check } from '../health.ts'
import { type Level, isShed, lagSteps, levelAt, memorySteps } from './levels.ts'
import { type Load, readLoad } from './read-load.ts'
import { type WriteClass, writeClasses } from './rate.ts'

export type Admission = {
  /** Throws `overloaded` where the class is refused now, everywhere or on this topic. */
  requireRoom(name: WriteClass, topic: string): void
  /** For /readyz: it informs, the process can serve. */
  check: Check
  stop(): void
}
type Options = {
  redis: Redis
  keys: Keys
  config: Pick<Config, 'shedLag' | 'shedHotLag'>
  registry: Registry
  log: Logger
  intervalMs?: number
}

/** A look that failed says nothing about the load; after this long, ms, what was seen before says nothing either. */
const staleAfterMs = 3_000
/** Clients that were turned away come back over this span, ms, not all at once. */
const comeBackMs = { first: 5_000, last: 15_000 }

/**
 * Looks twice a second how full Redis is and how far the consumers are behind, and refuses classes of writes by that: likes and reports
 * first, comments next. It refuses nothing while it cannot look: the append says by itself that the log is away.
 */
export function createAdmission({ redis, keys, config, registry, log, intervalMs = 500 }: Options): Admission {
  const shed = new Counter({
    name: 'ovation_requests_shed_total',
    help: 'Writes refused because of the load, by class',
    labelNames: ['class'],
    registers: [registry],
  })
  for (const name of writeClasses) shed.inc({ class: name }, 0)
  let memory: Level = 0
  let lag: Level = 0
  let hot = new Map<string, Level>()
  let seen: Load | undefined
  let seenMs = 0
  let said = ''

  const level = (): Level => Math.max(memory, lag) as Level
  const topics = () => [...hot].flatMap(([topic, of]) => (of > 0 ? [topic] : []))

  function judge(load: Load): void {
    memory = levelAt(load.memory, memorySteps, memory)
    lag = levelAt(load.globalLag, lagSteps(config.shedLag), lag)
    const steps = lagSteps(config.shedHotLag)
    hot = new Map([...load.hotLag].map(([topic, events]) => [topic, levelAt(events, steps, hot.get(topic))]))
    seen = load
    seenMs = performance.now()
  }

  function forget(reason: string): void {
    log.debug({ reason }, 'load unknown')
    if (performance.now() - seenMs < staleAfterMs) return
    memory = lag = 0
    hot = new Map()
    seen = undefined
  }

  /** Once a change. */
  function say(): void {
    const now = JSON.stringify([level(), [...hot].filter(([, of]) => of > 0)])
    if (now === said) return
    const calm = level() === 0 && topics().length === 0
    if (!calm) log.warn(detail(), 'writes are shed')
    else if (said) log.info(detail(), 'writes are not shed')
    said = calm ? '' : now
  }

  const detail = () => ({
    shed: writeClasses.filter((name) => isShed(name, level())),
    ...(seen ? { memory: Math.round(seen.memory * 100) / 100, globalLag: seen.globalLag } : {}),
    ...(topics().length > 0 ? { topics: topics().slice(0, 20) } : {}),
  })

  let isLooking = false
  async function look(): Promise<void> {
    if (isLooking) return
    isLooking = true
    await readLoad(redis, keys).then(judge, (error: unknown) => forget(String(error)))
    isLooking = false
    say()
  }
  const timer = setInterval(() => void look(), intervalMs)
  timer.unref()
  void look()

  return {
    requireRoom(name, topic) {
      if (!isShed(name, level()) && !isShed(name, hot.get(topic) ?? 0)) return
      shed.inc({ class: name })
      const retryAfterMs = comeBackMs.first + Math.random() * (comeBackMs.last - comeBackMs.first)
      throw new DomainError('overloaded', `no ${name} are taken now; try again later`, {}, { retryAfterMs })
    },
    check: { name: 'overload', check: () => Promise.resolve({ ok: level() === 0 && topics().length === 0, detail: detail() }) },
    stop: () => clearInterval(timer),
  }
}
