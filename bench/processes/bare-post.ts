import { serve } from '@hono/node-server'
import { Hono } from 'hono'
import { z } from 'zod'

// The floor of accepting a comment: Hono, JSON, zod, an answer of about the same size; no store, no user.
const Post = z.strictObject({ body: z.string().trim().min(1).max(5_000), parentId: z.string().nullish() })
const app = new Hono()
app.post('/v1/topics/:topic/comments', async (c) => {
  const { body, parentId = null } = Post.parse(await c.req.json())
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
  return c.json(
    {
      id: '019ab3c4-5d6e-7001-8020-000000000000',
      topic: c.req.param('topic'),
      parentId,
      rootId: null,
      author,
      body,
      html: `<p>${body}</p>`,
      ...facts,
    },
    201,
  )
})
const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => console.log(`http://127.0.0.1:${port}`))
process.once('SIGTERM', () => server.close(() => process.exit(0)))
