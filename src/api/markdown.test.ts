import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { renderMarkdown } from './markdown.ts'

const rel = 'rel="nofollow ugc noopener"'

describe('Markdown', () => {
  test.each([
    ['plain', '<p>plain</p>\n'],
    ['two\nlines', '<p>two<br>\nlines</p>\n'],
    ['two\n\nparagraphs', '<p>two</p>\n<p>paragraphs</p>\n'],
    ['*a* **b** `c`', '<p><em>a</em> <strong>b</strong> <code>c</code></p>\n'],
    ['> quoted', '<blockquote>\n<p>quoted</p>\n</blockquote>\n'],
    ['- a\n- b', '<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n'],
    ['3. a', '<ol start="3">\n<li>a</li>\n</ol>\n'],
    ['```js\na < b\n```', '<pre><code>a &lt; b\n</code></pre>\n'],
    ['[a](https://b.example)', `<p><a href="https://b.example" ${rel}>a</a></p>\n`],
    ['[a](mailto:b@c.example)', `<p><a href="mailto:b@c.example" ${rel}>a</a></p>\n`],
    ['see https://a.example/b?c=d&e', `<p>see <a href="https://a.example/b?c=d&amp;e" ${rel}>https://a.example/b?c=d&amp;e</a></p>\n`],
    ['[a](https://b.example "no title")', `<p><a href="https://b.example" ${rel}>a</a></p>\n`],
    ['\\*a\\*', '<p>*a*</p>\n'],
    ['    four spaces', '<p>four spaces</p>\n'],
    ['# no heading', '<p># no heading</p>\n'],
    ['a\n===', '<p>a<br>\n===</p>\n'],
    ['|a|b|\n|-|-|\n|c|d|', '<p>|a|b|<br>\n|-|-|<br>\n|c|d|</p>\n'],
    ['example.org and a@b.example', '<p>example.org and a@b.example</p>\n'],
    ['&copy; stays', '<p>&amp;copy; stays</p>\n'],
    [
      '[a]: https://b.example\n\n[a]',
      '<p>[a]: <a href="https://b.example" REL>https://b.example</a></p>\n<p>[a]</p>\n'.replace('REL', rel),
    ],
  ])('%j', (body, html) => expect(renderMarkdown(body)).toBe(html))
})

/** What a browser would run or fetch. */
const dangerous =
  /<(?!\/?(p|br|em|strong|code|pre|blockquote|ul|ol|li|a)[\s>])|<[^>]*\son\w+\s*=|href="(?!https?:\/\/|mailto:)|<a (?!href="[^"]*" rel="nofollow ugc noopener">)/i

describe('an attack stays text', () => {
  test.each([
    '<script>alert(1)</script>',
    '<img src=x onerror=alert(1)>',
    '<a href="javascript:alert(1)">x</a>',
    '[x](javascript:alert(1))',
    '[x](JaVaScRiPt:alert(1))',
    '[x](\u0001javascript:alert(1))',
    '[x](java\nscript:alert(1))',
    '[x](java&#10;script:alert(1))',
    '[x](&#x6a;avascript:alert(1))',
    '[x](vbscript:msgbox)',
    '[x](data:text/html;base64,PHNjcmlwdD4=)',
    '[x](//evil.example)',
    '[x](/relative)',
    '[x](file:///etc/passwd)',
    '![x](https://evil.example/track.png)',
    '[x](https://a.example "\\" onmouseover=\\"alert(1)")',
    '[x](<https://a.example" onclick="alert(1)>)',
    '[<img src=x onerror=alert(1)>](https://a.example)',
    '`<script>alert(1)</script>`',
    '```"><script>alert(1)</script>\n<b>\n```',
    '<https://a.example>',
    '<javascript:alert(1)>',
    'https://a.example/"onmouseover="alert(1)',
    "https://a.example/'><script>alert(1)</script>",
    '**<svg onload=alert(1)>**',
    '> <iframe src="https://evil.example">',
    '- <style>*{display:none}</style>',
    'plain <b onclick="x">"quotes" & \'more\'</b>',
  ])('%j', (body) => expect(renderMarkdown(body)).not.toMatch(dangerous))

  test('whatever is written', () => {
    const pieces = fc.constantFrom(
      '<',
      '>',
      '"',
      "'",
      '[x](',
      ')',
      '](',
      '`',
      '```',
      '*',
      '_',
      '\\',
      '&',
      '\n',
      ' ',
      '- ',
      'javascript:',
      'https://a.example/',
      'onerror=',
      'script',
      '\0',
      '\t',
      '&#0;',
      '!',
    )
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 30 }), (body) => {
        expect(renderMarkdown(body.join(''))).not.toMatch(dangerous)
      }),
      {
        numRuns: 2_000,
      },
    )
  })
})

test('the fast path for plain text gives what markdown-it gives', () => {
  const pieces = fc.constantFrom(
    'a',
    'word',
    '<',
    '>',
    '&',
    '"',
    "'",
    ' ',
    '  ',
    '\n',
    '\n\n',
    '1',
    '.',
    '~',
    '#',
    '=',
    '|',
    '!',
    '(',
    ']',
    'ü',
    '😀',
    ':',
    '/',
    '+',
    '\u200b',
  )
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 25 }), (parts) => {
      const body = parts.join('')
      // The escape sends the whole body to markdown-it.
      expect(renderMarkdown(body)).toBe(renderMarkdown(`\\*\n\n${body}`).replace('<p>*</p>\n', ''))
    }),
    { numRuns: 5_000 },
  )
})

describe('5,000 characters made to be slow take less than 50 ms', () => {
  const fill = (piece: string) => piece.repeat(Math.ceil(5_000 / piece.length)).slice(0, 5_000)
  renderMarkdown('*warm* [up](https://a.example)')
  test.each([
    '[',
    ']',
    '*',
    '**',
    '_',
    '*a_',
    '*a **a ',
    '>',
    '> ',
    '>a\n',
    '- ',
    '-\n',
    '1. ',
    '`',
    '`a',
    '`` ` ',
    '[a](',
    '[](',
    '![',
    '\\',
    'http://',
    'https://a.example/(',
    'https://',
    '([',
    '[*',
    '*[a](https://b.example)',
    '<',
    '&',
    '```\n',
    '~~~',
    ' \n',
    '- a\n ',
    '[a](<',
    '[a](a "',
    'a**b_c',
  ])('%j', (piece) => {
    const begin = performance.now()
    renderMarkdown(fill(piece))
    expect(performance.now() - begin).toBeLessThan(50)
  })
})
