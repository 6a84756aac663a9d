// The plain demo page: topics, and one topic's comments page by page.
const byId = (id) => document.getElementById(id)
const [topics, comments, count, status, more, sort] = ['topics', 'comments', 'count', 'status', 'more', 'sort'].map(byId)
const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const plural = (n, one, many) => `${n} ${n === 1 ? one : many}`
let cursor = null

const read = async (path) => {
  const response = await fetch(path)
  if (!response.ok) throw new Error(`${response.status}`)
  return response.json()
}

const element = (tag, properties, ...children) => {
  const made = Object.assign(document.createElement(tag), properties)
  made.append(...children)
  return made
}

function articleOf(comment) {
  const { author, html, createdAt, editedAt, pinned, likes, replies, state, firstReplies = [] } = comment
  const role = author.role === 'user' ? '' : element('span', { className: 'role', textContent: author.role })
  const facts = [
    date.format(new Date(createdAt)),
    editedAt && 'edited',
    pinned && 'pinned',
    likes && plural(likes, 'like', 'likes'),
    replies && plural(replies, 'reply', 'replies'),
  ]
  const body =
    html === null ? element('p', { className: 'meta', textContent: `This comment is ${state}.` }) : element('div', { innerHTML: html })
  return element(
    'article',
    { className: pinned ? 'pinned' : '', id: comment.id },
    element('strong', { textContent: author.name ?? 'someone' }),
    role,
    element('span', { className: 'meta', textContent: `  ${facts.filter(Boolean).join(' · ')}` }),
    body,
    ...firstReplies.map(articleOf),
  )
}

async function showPage(topic) {
  status.textContent = 'Loading …'
  const query = new URLSearchParams({ sort: sort.value, limit: '20', ...(cursor ? { cursor } : {}) })
  try {
    const page = await read(`/v1/topics/${topic}/comments?${query}`)
    comments.append(...page.items.map(articleOf))
    cursor = page.nextCursor
    more.hidden = cursor === null
    status.textContent =
      page.degraded.length > 0
        ? `Some parts are catching up: ${page.degraded.join(', ')}.`
        : comments.children.length === 0
          ? 'No comments yet.'
          : ''
  } catch {
    status.textContent = 'Comments are resting for a moment. Trying again …'
    setTimeout(() => void showPage(topic), 2_000)
  }
}

async function show() {
  const { items } = await read('/v1/topics')
  const topic = decodeURIComponent(location.hash.slice(1)) || items[0]?.topic
  topics.replaceChildren(
    ...items.map(({ topic: id, total }) => {
      const link = element('a', { href: `#${encodeURIComponent(id)}` }, `${id} `, element('small', { textContent: total ?? '' }))
      if (id === topic) link.setAttribute('aria-current', 'page')
      return link
    }),
  )
  const total = items.find(({ topic: id }) => id === topic)?.total
  count.textContent = topic ? `${total ?? 0} comments on ${topic}` : 'No topics yet.'
  comments.replaceChildren()
  cursor = null
  if (topic) await showPage(topic)
}

more.addEventListener(
  'click',
  () => void showPage(decodeURIComponent(location.hash.slice(1)) || topics.querySelector('[aria-current]').textContent.split(' ')[0]),
)
sort.addEventListener('change', () => void show())
addEventListener('hashchange', () => void show())
void show().catch(() => (status.textContent = 'Comments are resting for a moment.'))
