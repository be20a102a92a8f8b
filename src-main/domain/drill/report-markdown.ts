import type { DrillView } from '#contract'
import { reportOf, type ReportSection, type ReportTable } from './report.ts'

export function reportMarkdown(view: DrillView): string {
  const { title, verdict, summary, sections } = reportOf(view)
  return [`# ${cell(title)}`, '', `**${verdict}.** ${cell(summary)}`, ...sections.flatMap(section), ''].join('\n')
}

function section({ title, paragraphs, table, lines }: ReportSection): string[] {
  return [
    '',
    `## ${title}`,
    ...paragraphs.flatMap((text) => ['', cell(text)]),
    ...(table === undefined ? [] : ['', ...tableLines(table)]),
    ...(lines === undefined || lines.length === 0
      ? []
      : ['', ...lines.flatMap((text) => text.split('\n')).map((text) => `    ${text}`)]),
  ]
}

const tableLines = ({ head, rows }: ReportTable): string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.map(cell).join(' | ')} |`)

/** Text that came from elsewhere sets nothing. */
const cell = (text: string): string => text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>|#]/g, '\\$&')
