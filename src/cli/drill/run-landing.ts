import { setTimeout as delay } from 'node:timers/promises'
import { promoteByHand } from '../../consumers/hotspots/by-hand.ts'
import { measureCapacity } from './calibrate-run.ts'
import { exactRows } from './rows-exact.ts'
import type { Run } from './open-run.ts'
import { sizeOf } from './ledger.ts'
import { type Rates, crowdedShare, ratesFor } from './rates.ts'
import { artistRows, bulkheadRow, hotspotRows, isolationRow, lagRow, memoryRows } from './rows-landing.ts'
import { loadRow, seenRow } from './rows-load.ts'
import { type Row, notChecked, number } from './rows.ts'
import { readBulkhead } from './sample-processes.ts'
import type { Settings } from './settings.ts'
import { untilCaughtUp } from './settle.ts'
import { verifyRun } from './verify-run.ts'
import { redisMemory } from './watch.ts'

/** Five above a p98, and room for chance. */
const probesInABlock = 330

/** An artist joins the comments of a song that few looked at. Resolves with the table. */
export async function runLanding(run: Run): Promise<{ rows: Row[]; driven: string[] }> {
  const { settings, deployment, topics, generator, recorder, stores, watch, progress, signal } = run
  const redisBefore = stores ? await redisMemory(stores.redis) : 0
  recorder.begin('warm-up')
  const rates = ratesFor(await measureCapacity(run), topics.landedShare)
  const ordinary = { reads: rates.reads, writes: rates.writes, probes: rates.probes, flood: null }
  const flooded = { ...ordinary, flood: rates.flood }
  const driven = drivenLines(rates, topics.landedShare)
  for (const line of driven) progress.say(line)
  await generator.ask('drive', ordinary)
  await delay(settings.warmUpMs, undefined, { signal })

  const blockMs = Math.min(settings.longestBlockMs, Math.max(settings.blockMs, (1_000 * probesInABlock) / rates.probes))
  const floodWrites = { accepted: 0, planned: 0 }
  const block = async (name: 'quiet' | 'landing') => {
    recorder.begin(name)
    const traffic = name === 'landing' ? flooded : ordinary
    const { atMs } = await generator.ask('drive', traffic)
    const before = recorder.totals.floodWrites
    await delay(blockMs, undefined, { signal })
    const ended = await generator.ask('drive', traffic) // before its answer it says what happened until now
    floodWrites.accepted += recorder.totals.floodWrites - before
    floodWrites.planned += ((traffic.flood?.writes ?? 0) * (ended.atMs - atMs)) / 1_000
    return atMs
  }
  await block('quiet') // against the next: what noise alone comes to
  let floodAtMs = 0
  for (let flood = 0; flood < settings.floods; flood++) {
    await block('quiet')
    if (flood === 0) progress.say('the artist walks in')
    const atMs = await block('landing')
    floodAtMs ||= atMs
  }

  const frozen = await underBacklog(run)
  await generator.ask('drive', ordinary)
  recorder.begin('draining')
  await untilCaughtUp(run, 'hot', settings.drainBesideMs)
  await generator.ask('quiesce', null)
  recorder.begin('settling')
  const left = await untilCaughtUp(run)
  if (left) progress.say(`not caught up: ${left}`)
  if (watch.hotspot) await untilNotHot(run)
  const bulkhead = deployment.own && (await bulkheads(deployment.own.opsUrls))
  progress.say('comparing every read model with what was acknowledged')
  const compared = await verifyRun(run)
  return {
    driven,
    rows: [
      ...exactRows({ ...compared, ledger: run.ledger, totals: recorder.totals }),
      loadRow(recorder.totals, floodWrites),
      seenRow(recorder),
      isolationRow(recorder, settings.isShort),
      frozen
        ? lagRow(recorder.lagIn('frozen'), { frozenMs: recorder.msOf('frozen'), backlog: settings.backlog })
        : notChecked('lag-of-others', 'lag of the other lanes, hot consumers frozen', '0', 'needs processes of its own'),
      ...artistRows(recorder, frozen ? `behind ${number(settings.backlog)} events` : 'in the flood', settings.artistPosts),
      ...hotspotRows(
        watch.hotspot && {
          floodAtMs,
          transitions: watch.hotspot.transitions,
          operatorAtMs: frozen?.operatorAtMs,
          state: watch.hotspot.state(),
          left: recorder.lag.at(-1)?.lanes.hot.waiting,
        },
      ),
      bulkheadRow(bulkhead),
      ...memoryRows({
        memory: recorder.memory,
        redis: stores ? { before: redisBefore, most: watch.redisMost(), events: sizeOf(run.ledger.events) } : undefined,
      }),
    ],
  }
}

/**
 * Freezes the hot consumers, lets events of the topic pile up, and lets the artist speak. Where the controller did not promote the topic, that is one
 * red row; an operator's promotion lets the others still say something. Without processes of our own the artist speaks in the flood.
 */
async function underBacklog(run: Run): Promise<{ operatorAtMs: number | undefined } | undefined> {
  const { settings, deployment, generator, filler, recorder, stores, watch, topics, progress, signal } = run
  const artist = () => generator.ask('artist', { count: settings.artistPosts, everyMs: settings.artistEveryMs })
  if (!deployment.own || !filler || !stores || !deployment.stores) {
    await artist()
    return undefined
  }
  const operatorAtMs = watch.hotspot!.state() === 'hot' ? undefined : Date.now()
  if (operatorAtMs !== undefined) {
    progress.say('the topic was not promoted: promoting it by hand, so that the rest can be looked at')
    await promoteByHand(stores.redis, stores.keys, topics.names[topics.landed]!, longestFrozenMs(settings))
    await delay(2_000, undefined, { signal })
  }
  for (const each of deployment.own.hot) each.freeze()
  recorder.begin('frozen')
  progress.say(`${deployment.own.hot.map(({ name }) => name).join(', ')} frozen; ${number(settings.backlog)} events pile up`)
  try {
    const filled = await filler.ask('fill', { stores: deployment.stores, events: settings.backlog, perSecond: settings.backlogPerSecond })
    progress.say(`${number(filled.appended)} events appended at ${number((filled.appended / filled.tookMs) * 1_000)}/s; now the artist`)
    await artist()
  } finally {
    for (const each of deployment.own.hot) each.thaw()
  }
  progress.say('thawed')
  return { operatorAtMs }
}

/** Twice what filling takes at its rate, what the artist's posts take, and room: until then an operator's promotion has to last. */
const longestFrozenMs = ({ backlog, backlogPerSecond, artistPosts, artistEveryMs }: Settings): number =>
  2_000 * (backlog / backlogPerSecond) + artistPosts * artistEveryMs + 10_000

/** The controller ends it by itself after the cool-down. */
async function untilNotHot({ settings, watch, signal, progress }: Run): Promise<void> {
  progress.say('waiting for the cool-down')
  const deadline = Date.now() + settings.coolDownMs + 15_000
  while (watch.hotspot!.state() === 'hot' && Date.now() < deadline) await delay(100, undefined, { signal })
}

const bulkheads = (opsUrls: Record<string, string>) =>
  Promise.all(
    Object.entries(opsUrls)
      .filter(([name]) => name.startsWith('api-'))
      .map(([name, url]) => readBulkhead(name, url)),
  )

function drivenLines({ reads, writes, probes, flood, busy }: Rates, share: number): string[] {
  const times = (a: number, b: number) => `${number(a / b)} times`
  return [
    `ordinary: ${number(reads)} reads/s, ${writes.toFixed(1)} writes/s (100:1), and ${number(probes)} probes/s`,
    `the flood on one topic: ${number(flood.writes)} writes/s (${times(flood.writes, writes)} those of the whole site), ` +
      `${number(flood.reads)} reads/s (${times(flood.reads, share * reads)} those of the topic)`,
    `all of it is ${Math.round(100 * busy)} % of what this machine bears${busy > crowdedShare ? ': more than half of its cores are busy, so times show the queue for them as well' : ''}`,
  ]
}
