import { expect, test } from 'vitest'
import { cleanText } from './clean-text.ts'

test.each([
  ['entities are decoded', 'Fun &amp; games &lt;3 I&#39;m &quot;in&quot;', 'Fun & games <3 I\'m "in"'],
  ['entities are decoded once', 'type &amp;lt;b&amp;gt;', 'type &lt;b&gt;'],
  ['what looks like an entity without its semicolon is text', 'a?x=1&copy=2&lt', 'a?x=1&copy=2&lt'],
  ['breaks become newlines', 'one<br />two<br>three<BR/>four', 'one\ntwo\nthree\nfour'],
  ['a break that somebody typed stays what it was', 'use &lt;br&gt;', 'use <br>'],
  ['anchors become their text', '<a rel="nofollow" href="https://x.org/?a=1&amp;b=2">3:40</a>-<a href="y">4:11</a>', '3:40-4:11'],
  ['markup around text goes', '<span class="p"><span>+</span><a class="q" href="z">Logan</a></span> <i>__</i>', '+Logan __'],
  ['other tags stay as text', '<marquee>hi</marquee> <script>1</script>', '<marquee>hi</marquee> <script>1</script>'],
  ['an open angle is text', 'a <3 b < c', 'a <3 b < c'],
  ['a trailing U+FEFF and space around go', '  hi \u00A0\uFEFF', 'hi'],
  ['a U+FEFF between letters stays', 'a\uFEFFb\uFEFF', 'a\uFEFFb'],
  ['text is NFC', 'cafe\u0301', 'café'],
  ['control characters go, newline and tab stay', 'a\u0000b\u0007\r\nc\td\u0085', 'ab\nc\td'],
])('%s', (_, exported, text) => expect(cleanText(exported)).toBe(text))
