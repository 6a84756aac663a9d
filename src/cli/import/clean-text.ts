import { decodeHTMLStrict } from 'entities'

/** Tags that YouTube's own export writes around text; what a person typed as a tag is escaped there and stays as it reads. */
const markup = /<\/?(?:a|b|i|s|u|em|strong|del|span|wbr)(?:\s[^<>]*)?\/?>/gi
const lineBreak = /<br\s*\/?>/gi
/** Control characters but for the line feed and the tab. */
const control = /(?![\n\t])\p{Cc}/gu

/**
 * Plain text of an exported comment: breaks become newlines, anchors their text, entities their character, once. Tags go before
 * entities: `&lt;br&gt;` is what somebody wrote. Other tags stay as text, which is escaped wherever it is shown.
 */
export function cleanText(exported: string): string {
  const withoutTags = exported.replaceAll(/\r\n?/g, '\n').replace(lineBreak, '\n').replace(markup, '')
  return decodeHTMLStrict(withoutTags)
    .replaceAll(/\uFEFF+$/g, '')
    .replace(control, '')
    .normalize('NFC')
    .trim()
}
