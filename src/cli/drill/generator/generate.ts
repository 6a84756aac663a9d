import { setTimeout as delay } from 'node:timers/promises'
import type { Ask, AskName, Asks, Reply } from '../messages.ts'
import { createTopics } from '../topics.ts'
import { runArtist } from './artist.ts'
import { calibrate } from './calibrate.ts'
import { fill } from './fill.ts'
import { createHttpClient } from './http-client.ts'
import { createProbe } from './probe.ts'
import { createReader } from './reader.ts'
import { createTally } from './tally.ts'
import { createTexts } from './texts.ts'
import { createTraffic } from './traffic.ts'
import { createUsers } from './users.ts'
import { createWriter } from './writer.ts'

// The generator's process: does what it is asked over IPC, and says every second what happened. It ends with its parent.
const say = (reply: Reply) => void (process.connected && process.send!(reply))
const tally = createTally()
const text = createTexts()

let parts: ReturnType<typeof begin> | undefined
function begin(world: Asks['begin']['ask']) {
  const topics = createTopics(world.topics, world.topicPrefix)
  const users = createUsers(world)
  const get = createReader(createHttpClient(world.url, 256), tally)
  const writer = createWriter({ send: createHttpClient(world.writeUrl, 256), users, topicName: (topic) => topics.names[topic]!, tally })
  const probe = createProbe({ topics, writer, get, text, tally })
  return { topics, users, get, writer, traffic: createTraffic({ topics, users, writer, get, text, probe, tally }) }
}

const doing: { [N in AskName]: (ask: Asks[N]['ask']) => Promise<Asks[N]['answer']> } = {
  async begin(world) {
    parts = begin(world)
    return null
  },
  async drive(rates) {
    parts!.traffic.drive(rates)
    return { atMs: Date.now() }
  },
  calibrate: (ask) => calibrate(parts!.traffic, { ...ask, topics: parts!.topics.names.length }),
  async artist({ count, everyMs }) {
    await runArtist({ ...parts!, tally }, count, everyMs)
    return null
  },
  fill({ stores, events, perSecond }) {
    const { landed, names } = parts!.topics
    return fill({ stores, topic: landed, name: names[landed]!, events, perSecond, text, tally })
  },
  async quiesce() {
    parts!.traffic.stop()
    while (parts!.traffic.underWay() > 0) await delay(20)
    sayTick()
    return null
  },
}

const sayTick = () => say({ tick: tally.take(), atMs: Date.now() })
setInterval(sayTick, 1_000)
process.on('message', ({ id, name, ask }: Ask) => {
  void (doing[name] as (ask: unknown) => Promise<unknown>)(ask).then(
    (answer) => {
      sayTick() // what it did comes before its answer
      say({ id, answer })
    },
    (error: Error) => say({ id, error: error.message }),
  )
})
process.on('disconnect', () => process.exit())
// A Ctrl-C in the terminal is the parent's: it has to hear the end of this.
process.on('SIGINT', () => {})
