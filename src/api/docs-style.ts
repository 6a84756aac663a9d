/** Of the docs page. Inline, so that it works offline. */
export const style = `
:root { color-scheme: light dark; --ink: light-dark(#1d2129, #e4e7ee); --soft: light-dark(#5a6372, #9aa4b5); --line: light-dark(#dfe3ea, #333a47);
  --page: light-dark(#fff, #14171d); --panel: light-dark(#f5f7fa, #1b2028); --link: light-dark(#1f5fbf, #82b1ff) }
* { box-sizing: border-box }
html { scroll-behavior: smooth; scroll-padding-top: 1rem }
body { margin: 0; display: grid; grid-template-columns: minmax(0, 22rem) minmax(0, 1fr); color: var(--ink); background: var(--page);
  font: 15px/1.6 system-ui, sans-serif }
nav { position: sticky; top: 0; height: 100vh; overflow: auto; padding: 1.5rem 1rem; background: var(--panel); border-right: 1px solid var(--line);
  font-size: 13px }
nav strong { display: block; margin: 0 .5rem 1rem; font-size: 16px }
nav a { display: block; padding: .25rem .5rem; border-radius: 6px; color: var(--ink); text-decoration: none; overflow-wrap: anywhere }
nav a:hover, nav a:focus-visible { background: var(--line) }
nav b { display: inline-block; width: 3.8em }
main { padding: 2rem clamp(1rem, 4vw, 4rem) 6rem; max-width: 62rem }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .5rem }
h2 { font-size: 1.15rem; margin: 0 0 .25rem; overflow-wrap: anywhere }
h3 { margin: 1.2rem 0 .3rem; color: var(--soft); font-size: .78rem; letter-spacing: .06em; text-transform: uppercase }
p { margin: .3rem 0 }
a { color: var(--link) }
section { margin-top: 2.5rem; padding-top: 1.5rem; border-top: 1px solid var(--line) }
code { font: .92em ui-monospace, monospace; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse; background: var(--panel); border: 1px solid var(--line) }
th, td { padding: .35rem .7rem; text-align: left; vertical-align: top; border-bottom: 1px solid var(--line) }
tr:last-child > td { border-bottom: 0 }
th { color: var(--soft); font-size: .85em; font-weight: 600 }
td > table { margin-top: .3rem }
td:first-child { width: 11rem }
small { color: var(--soft) }
.GET { color: light-dark(#1a7f4b, #63d297) } .POST { color: light-dark(#1f5fbf, #82b1ff) } .DELETE { color: light-dark(#b3261e, #ff8a80) }
.PUT, .PATCH { color: light-dark(#8a5a00, #f0b95b) }
.key { padding: 0 .4em; border: 1px solid var(--line); border-radius: 4px; font-size: .8em; color: var(--soft) }
@media (max-width: 50rem) { body { display: block } nav { position: static; height: auto; border: 0 } }
`
