import { setTimeout as delay } from 'node:timers/promises'
import { readLag } from '../src/consumers/lag.ts'
import { promote } from '../src/events/hotspots.ts'
import { createClient } from './client.ts'
import { type Bench, type Row, coresUsed, percentile, rowBelow } from './harness.ts'
import { inParallel, post } from './log.ts'
import { lookEveryMs, untilSeen } from './probe.ts'
import { type System, caughtUp, startSystem } from './system.ts'
import { realTexts } from './texts.ts'
import { tokenOf } from './token.ts'

const topic = 'song:landed'
const path = `/v1/topics/${topic}/comments`
/** Between two of the artist's comments, ms. */
const everyMs = 20

type Times = { comments: number[]; pins: number[] }

/**
 * The artist under flood: from sending a comment, and its pin, until another client's list shows it, with a backlog on the topic: first standing, with
 * the hot consumers frozen, then while they work it off.
 */
export async function artist(bench: Bench): Promise<Row[]> {
  const [backlog, samples] = bench.isShort ? [5_000, 20] : [100_000, 250]
  const system = await startSystem(bench, 'artist')
  try {
    await promote(system.redis, system.keys, topic)
    await speak(system, { count: 10 })
    await caughtUp(system)
    process.kill(system.hot.pid, 'SIGSTOP')
    const textOf = realTexts()
    await inParallel(backlog, 256, (i) => post(system.append, topic, textOf(i), { user: `user-${i % 5_000}` }))
    const before = await hotLag(system)
    bench.say(`${before.toLocaleString('en')} events wait on the topic`)
    const standing = await speak(system, { count: samples })
    process.kill(system.hot.pid, 'SIGCONT')
    bench.say(`standing: ${standing.comments.length} comments and pins seen; now it is worked off`)
    const cores = coresUsed(system.pids)
    const draining = await speak(system, { count: samples, isOver: async () => (await hotLag(system)) < before / 20 })
    const used = cores()
    const left = await hotLag(system)
    const all = { comments: [...standing.comments, ...draining.comments], pins: [...standing.pins, ...draining.pins] }
    const note = `backlog ${before.toLocaleString('en')} standing (${standing.comments.length}), then worked off to ${left.toLocaleString('en')} (${draining.comments.length} samples); looked at every ${lookEveryMs} ms; ${used}`
    return [
      rowBelow("artist's comment to visible, p99", percentile(all.comments, 99), 1_000, {
        note: `${inBoth(standing, draining, 'comments')}; ${note}`,
      }),
      rowBelow("artist's pin to visible, p99", percentile(all.pins, 99), 1_000, { note: inBoth(standing, draining, 'pins') }),
    ]
  } finally {
    await system.stop()
  }
}

const inBoth = (standing: Times, draining: Times, what: keyof Times) =>
  [standing, draining]
    .map((times) => `p50 ${percentile(times[what], 50).toFixed(1)}, p99 ${percentile(times[what], 99).toFixed(1)} ms`)
    .join(' standing, ')

/** One after the other: a comment, seen; its pin, seen; the pin taken off again, so that it is always the newest of few. */
async function speak({ api }: System, { count, isOver }: { count: number; isOver?: () => Promise<boolean> }): Promise<Times> {
  const [writer, reader, token] = [createClient(api.line), createClient(api.line), await tokenOf('artist', 'artist', ['song:*'])]
  const times: Times = { comments: [], pins: [] }
  for (let i = 0; i < count; i++) {
    let sentMs = performance.now()
    const { id } = JSON.parse((await writer.send('POST', path, token, { body: `Thank you all, ${i} times.` })).text) as { id: string }
    await untilSeen(reader, path, (text) => text.includes(id))
    times.comments.push(performance.now() - sentMs)
    sentMs = performance.now()
    await writer.send('PUT', `${path}/${id}/pin`, token)
    await untilSeen(reader, path, (text) => pinnedIn(text).includes(id))
    times.pins.push(performance.now() - sentMs)
    await writer.send('DELETE', `${path}/${id}/pin`, token)
    if (await isOver?.()) break
    await delay(everyMs)
  }
  writer.close()
  reader.close()
  return times
}

const pinnedIn = (text: string): string[] =>
  (JSON.parse(text) as { items: { id: string; pinned: boolean }[] }).items.flatMap(({ id, pinned }) => (pinned ? [id] : []))

async function hotLag({ redis, keys }: System): Promise<number> {
  const rows = await readLag(redis, keys)
  return Math.max(...rows.filter(({ lane }) => lane === 'hot').map(({ lagEvents, pending }) => (lagEvents ?? 0) + pending))
}
