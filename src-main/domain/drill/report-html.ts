/** The report as one file that needs nothing else: no script, no font, no picture from anywhere. */
import type { DrillView } from '#contract'
import { escapeText } from './escape-text.ts'
import { reportOf, type ReportSection, type ReportTable } from './report.ts'
import { timelineSvg } from './timeline-svg.ts'

export function reportHtml(view: DrillView): string {
  const { title, verdict, summary, sections } = reportOf(view)
  const chart = view.record.injectedAt === null ? '' : `<figure>${timelineSvg(view)}</figure>`
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>${escapeText(title)}</title><style>${css}</style></head>
<body><header><p class="kind">Failover drill</p><h1>${escapeText(title)}</h1>
<p class="verdict ${view.record.verdict ?? 'untested'}">${verdict}</p><p class="summary">${escapeText(summary)}</p></header>
${chart}
${sections.map(section).join('\n')}
<footer>SHA-256 of the report as data: <code>${view.record.reportSha256 ?? 'not recorded'}</code>. It stands in the history, where nothing is ever changed.${signedWith(view)}</footer>
</body></html>
`
}

function section({ title, paragraphs, table, lines }: ReportSection): string {
  return `<section><h2>${escapeText(title)}</h2>${paragraphs.map((text) => `<p>${escapeText(text)}</p>`).join('')}${
    table === undefined ? '' : tableHtml(table)
  }${lines === undefined || lines.length === 0 ? '' : `<pre>${escapeText(lines.join('\n'))}</pre>`}</section>`
}

function tableHtml({ head, rows }: ReportTable): string {
  const row = (cells: readonly string[], tag: 'td' | 'th'): string =>
    `<tr>${cells.map((text) => `<${tag}${/^[+−]?\d/.test(text) ? ' class="n"' : ''}>${escapeText(text)}</${tag}>`).join('')}</tr>`
  return `<div class="wide"><table><thead>${row(head, 'th')}</thead><tbody>${rows.map((cells) => row(cells, 'td')).join('')}</tbody></table></div>`
}

const css = `
:root{--ink:#1a1d21;--soft:#5c6470;--line:#dfe3e8;--paper:#fff;--good:#1b7f4b;--bad:#b3261e;--idle:#7a5b00;--accent:#2457c5}
@media(prefers-color-scheme:dark){:root{--ink:#e6e8eb;--soft:#9aa3ae;--line:#30363d;--paper:#14171a;--good:#4cc38a;--bad:#ff8a80;--idle:#e0b84c;--accent:#7fa7ff}}
*{box-sizing:border-box}body{margin:0 auto;max-width:64rem;padding:3rem 1.5rem;background:var(--paper);color:var(--ink);
font:15px/1.55 system-ui,-apple-system,"Segoe UI",sans-serif}
h1{font-size:1.75rem;line-height:1.2;margin:.2rem 0 1rem;letter-spacing:-.01em}h2{font-size:1rem;margin:2.4rem 0 .4rem}
p{margin:.4rem 0;max-width:44rem}.kind,footer{color:var(--soft);font-size:.85rem}.summary{font-size:1.1rem}
.verdict{display:inline-block;margin:0;padding:.15rem .7rem;border:1.5px solid;border-radius:1rem;font-weight:600}
.proven{color:var(--good)}.refuted{color:var(--bad)}.untested{color:var(--idle)}
figure{margin:2rem 0;overflow-x:auto}svg{width:100%;min-width:40rem;height:auto;display:block;font:11px system-ui,sans-serif}
.wide{overflow-x:auto}table{border-collapse:collapse;margin:.6rem 0;font-size:.9rem}
th,td{text-align:left;padding:.25rem .9rem .25rem 0;border-bottom:1px solid var(--line);vertical-align:top}
th{color:var(--soft);font-weight:500}.n{font-variant-numeric:tabular-nums;white-space:nowrap}
pre{overflow-x:auto;padding:.8rem 1rem;border:1px solid var(--line);border-radius:6px;font:12px/1.5 ui-monospace,monospace}
footer{margin-top:3rem;border-top:1px solid var(--line);padding-top:.8rem}code{font:12px ui-monospace,monospace;word-break:break-all}
@media print{body{padding:0;max-width:none;font-size:11pt}section{break-inside:avoid}figure{break-inside:avoid}}`

const signedWith = ({ record: { reportSignature } }: DrillView): string =>
  reportSignature === null ? '' : ` Signed (Ed25519) with the key <code>${escapeText(reportSignature.publicKey)}</code>.`
