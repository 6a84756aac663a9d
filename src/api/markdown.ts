import { LRUCache } from 'lru-cache'
import MarkdownIt, { type MarkdownIt as Markdown } from 'markdown-it'

const rules = ['fence', 'blockquote', 'list', 'backticks', 'emphasis', 'link', 'linkify', 'newline', 'escape']
const allowedLink = /^(https?:\/\/|mailto:)/i
/** Nothing that could begin one of the rules above, and no white space that they treat in a way of its own. */
const markup = /[*_`[\\]|:\/\/|^ *(?:[-+>]|\d+[.)]|~~~)|[^\S \n]|\0/m

const md = createMarkdown()
/** A page shows the same comments again and again. Plain ones, most of them, take the fast path: 1 µs against 10 to 50. */
const rendered = new LRUCache<string, string>({
  max: 5_000,
  maxSize: 4_000_000,
  sizeCalculation: (html, body) => html.length + body.length,
})

/** Safe HTML of a comment's Markdown: paragraphs, line breaks, emphasis, code, quotes, lists and links; all else is text. */
export function renderMarkdown(body: string): string {
  if (!markup.test(body)) return renderPlain(body)
  const known = rendered.get(body)
  if (known !== undefined) return known
  const html = md.render(body)
  rendered.set(body, html)
  return html
}

function createMarkdown(): Markdown {
  const markdown = new MarkdownIt('zero', { breaks: true, linkify: true, maxNesting: 20 }).enable(rules)
  markdown.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false })
  for (const schema of ['ftp:', 'mailto:', '//']) markdown.linkify.add(schema, null)
  markdown.validateLink = (url) => allowedLink.test(url)
  const { renderer, utils } = markdown
  renderer.rules['link_open'] = (tokens, index) => {
    const href = String(tokens[index]!.attrGet('href') ?? '')
    return href ? `<a href="${utils.escapeHtml(href)}" rel="nofollow ugc noopener">` : '<a>'
  }
  renderer.rules['fence'] = (tokens, index) => `<pre><code>${utils.escapeHtml(tokens[index]!.content)}</code></pre>\n`
  return markdown
}

const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

/** What markdown-it makes of text without markup; a property test compares them. */
function renderPlain(text: string): string {
  const escaped = /[&<>"]/.test(text) ? text.replace(/[&<>"]/g, (character) => entities[character]!) : text
  if (!escaped.includes('\n') && !escaped.startsWith(' ') && !escaped.endsWith(' ')) return escaped === '' ? '' : `<p>${escaped}</p>\n`
  let html = ''
  let lines: string[] = []
  const endParagraph = () => {
    if (lines.length > 0) html += `<p>${lines.join('<br>\n')}</p>\n`
    lines = []
  }
  for (const line of escaped.split('\n')) {
    const trimmed = line.trim()
    if (trimmed === '') endParagraph()
    else lines.push(trimmed)
  }
  endParagraph()
  return html
}
