/** Of the page and its charts. Colours are told apart by people who see few of them, on light and dark grounds. */
export const style = `
:root { color-scheme: light dark; --ground: #fbfbfa; --card: #fff; --text: #1c1e21; --quiet: #62676d; --rule: #e3e4e6; --grid: #ebecee;
  --hot: #c8500b; --global: #1f6fb2; --priority: #7a3fa0; --pin: #b8328a; --pale: #8fb6d6; --ok: #14743c; --failed: #b3261e;
  --even: #0000; --odd: #00000008; --landing: #c8500b14; --frozen: #1f6fb21c; }
@media (prefers-color-scheme: dark) { :root { --ground: #141517; --card: #1c1e21; --text: #e8e9ea; --quiet: #9ba1a8; --rule: #33363a; --grid: #2a2d31;
  --hot: #ff9350; --global: #6db3f0; --priority: #c79bea; --pin: #f084c4; --pale: #47698a; --ok: #63cf8c; --failed: #ff8a80;
  --odd: #ffffff08; --landing: #ff935018; --frozen: #6db3f022; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 15px/1.45 system-ui, sans-serif; }
main { max-width: 1040px; margin: 0 auto; padding: 28px 20px 48px; }
h1 { font-size: 24px; margin: 0; }
.verdict { display: inline-block; margin: 6px 0 0; font-weight: 600; }
.ok { color: var(--ok); } .failed { color: var(--failed); } .unchecked { color: var(--quiet); }
.facts { color: var(--quiet); margin: 4px 0 20px; font-size: 13px; }
figure, table { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; margin: 0 0 14px; }
figure { padding: 12px 14px 6px; }
figcaption { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: baseline; font-size: 14px; }
figcaption small { color: var(--quiet); }
.legend { margin-left: auto; display: flex; gap: 14px; font-size: 13px; color: var(--quiet); }
.legend i { display: inline-block; width: 10px; height: 10px; border-radius: 3px; margin-right: 5px; background: currentColor; }
svg { display: block; width: 100%; height: auto; font: 11px system-ui, sans-serif; }
svg text { fill: var(--quiet); }
.band { stroke: var(--rule); stroke-width: .5; } .even { fill: var(--even); } .odd { fill: var(--odd); } .landing { fill: var(--landing); } .frozen { fill: var(--frozen); }
.grid { stroke: var(--grid); } .tick { text-anchor: end; } .time { text-anchor: middle; } .phase { font-weight: 600; }
.limit { stroke: var(--failed); stroke-dasharray: 4 4; } svg .limit-label { fill: var(--failed); text-anchor: end; }
.line { fill: none; stroke: currentColor; stroke-width: 1.8; stroke-linejoin: round; } .dot { fill: currentColor; }
.hot { color: var(--hot); } .global { color: var(--global); } .priority { color: var(--priority); } .pin { color: var(--pin); } .pale { color: var(--pale); }
.pointer { fill: transparent; } .pointer:hover { fill: var(--odd); stroke: var(--rule); }
table { border-collapse: separate; border-spacing: 0; width: 100%; overflow: hidden; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: 8px 12px; border-top: 1px solid var(--rule); }
thead th { border-top: 0; font-size: 13px; color: var(--quiet); }
td small { display: block; color: var(--quiet); font-size: 12.5px; }
td:nth-child(n+2) { white-space: nowrap; } td:last-child { font-weight: 600; }
@media (max-width: 640px) { td:nth-child(n+2) { white-space: normal; } }
`
