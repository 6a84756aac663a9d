import { createConversations, eventsOfAConversation } from '../conversation.ts'
import { type Place, openPlace } from '../log.ts'
import { realTexts } from '../texts.ts'
import { untilStopped } from './until-stopped.ts'

// Writes to one topic's log at a steady rate, for `seconds` at most: beside what is measured, in a process of its own.
type Options = Place & { topic: string; perSecond: number; seconds: number }
const { topic, perSecond, seconds, ...place } = JSON.parse(process.argv[2]!) as Options
const { append, close } = openPlace(place)
const converse = createConversations(append, topic, realTexts())
const startedMs = performance.now()
let begun = 0
const timer = setInterval(() => {
  const due = ((performance.now() - startedMs) / 1_000) * (perSecond / eventsOfAConversation)
  for (; begun < due; begun++) converse().catch(fail)
}, 5)
const stop = () => {
  clearInterval(timer)
  return close()
}
setTimeout(() => void stop().then(() => process.exit(0)), seconds * 1_000).unref()
console.log('writing')
untilStopped(stop)

let isStopping = false
process.once('SIGTERM', () => (isStopping = true))
function fail(error: unknown): void {
  if (isStopping) return
  console.error(error)
  process.exit(1)
}
