import { z } from '@hono/zod-openapi'
import { pino } from 'pino'
import { jsonOf, parsed, readJson } from '../../src/api/body.ts'
import { createApp } from '../../src/api/create-app.ts'
import { listen } from '../../src/api/listen.ts'
import { createMetrics } from '../../src/api/metrics.ts'
import { createTopicPolicy } from '../../src/topics.ts'
import { untilStopped } from './until-stopped.ts'

// The floor of accepting a comment: the same app with a POST that validates its JSON with zod and answers as much; no user, no store, no token.
const Post = z.strictObject({ body: z.string().trim().min(1).max(5_000), parentId: z.string().nullish() })
const log = pino({ level: 'warn' }, pino.destination(2))
const app = createApp({
  config: { allowedOrigins: [] },
  log,
  role: 'all',
  checks: [],
  metrics: createMetrics(),
  allowTopics: createTopicPolicy(['*']),
  commands: (to) => {
    to.post('/v1/topics/:topic/comments', readJson, async (c) => {
      const { body, parentId = null } = parsed(Post, await jsonOf(c))
      const author = { id: 'bench', name: 'Bench', role: 'user' }
      const facts = {
        createdAt: new Date().toISOString(),
        editedAt: null,
        state: 'visible',
        pinned: false,
        likes: 0,
        replies: 0,
        firstReplies: [],
      }
      const ids = { id: '019ab3c4-5d6e-7001-8020-000000000000', topic: c.req.param('topic'), parentId, rootId: null }
      return c.json(
        { ...ids, author, body, html: `<p>${body}</p>\n`, ...facts, writeToken: 'g1795511576143-0.rXADc5ikgmrlapY2hX9XDw' },
        201,
      )
    })
  },
})
const { url, close } = await listen(app.fetch, { host: '127.0.0.1', port: 0, log })
console.log(url)
untilStopped(close)
