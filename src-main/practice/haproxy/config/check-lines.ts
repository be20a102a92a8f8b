import type { ServerOption } from '../../../domain/haproxy/config/server-options.ts'
import { sectionsOf, type Section } from '../../../domain/haproxy/config/tree.ts'
import type { ConfigFile } from '../../../domain/haproxy/config/view.ts'
import { nearestWord } from '../word-distance.ts'
import { globalKeywords, proxyKeywords, type LineContext } from './keywords.ts'
import { openProxy, type ConfigLine, type Progress, type ProxyDraft } from './proxy-draft.ts'
import { checkStructural, structural } from './proxy-lines.ts'
import { placeText, type Reporter } from './reporter.ts'

const proxySections = new Set(['defaults', 'frontend', 'backend', 'listen'])

/** Every line of a file, in order; what proxies are made of is put into the drafts. */
export function checkLines(
  file: ConfigFile,
  context: LineContext,
  report: Reporter,
  drafts: Map<string, ProxyDraft>,
  progress: Progress,
): void {
  const defaults = new Map<string, ServerOption[]>()
  let inherited: ServerOption[] = []
  for (const section of sectionsOf(file.tree)) {
    const at = (line: ConfigLine): string => placeText({ file: file.path, line: line.number })
    for (const line of section.head === null ? section.lines : [section.head, ...section.lines])
      checkText(line, at(line), report)
    if (section.head === null) {
      for (const line of section.lines) {
        const word = line.words[0]?.value
        if (word !== undefined) report.alert(`config : parsing ${at(line)}: unknown keyword '${word}' out of section.`)
      }
    } else if (section.kind === 'global') {
      for (const line of section.lines) checkKeyword(line, at(line), section, globalKeywords, context, report)
    } else if (proxySections.has(section.kind)) {
      const draft = openProxy(section, file.path, drafts, progress, report)
      const words = section.head.words.map(({ value }) => value)
      const parent = words.includes('from', 1) ? defaults.get(words[words.indexOf('from', 1) + 1] ?? '') : undefined
      const options = [...(parent ?? (section.kind === 'defaults' ? [] : inherited))]
      for (const line of section.lines) {
        const word = line.words[0]?.value ?? ''
        if (structural.has(word)) checkStructural(line, at(line), section, draft, options, report, progress)
        else checkKeyword(line, at(line), section, proxyKeywords, context, report)
      }
      if (section.kind === 'defaults') {
        inherited = options
        if (section.name !== null) defaults.set(section.name, options)
      }
    } else {
      report.alert(`config : parsing ${at(section.head)}: unknown keyword '${section.kind}' out of section.`)
    }
  }
  const last = file.tree.lines.at(-1)
  if (last?.end === '' && last.text !== '')
    report.alert(
      `config : parsing ${placeText({ file: file.path, line: last.number })}: Missing LF on last line, file might have been truncated at position ${last.text.length + 1}.`,
    )
}

/** What is wrong with the characters of a line. */
function checkText(line: ConfigLine, at: string, report: Reporter): void {
  if (line.problem !== null) {
    const { column, message } = line.problem
    const text = line.text.trimStart()
    const position = column - (line.text.length - text.length)
    report.alert(
      `config : parsing ${at}: ${message} at position ${column + 1}:\n  ${text}\n  ${' '.repeat(Math.max(0, position))}^`,
    )
  }
}

function checkKeyword(
  line: ConfigLine,
  at: string,
  section: Section,
  known: ReadonlyMap<string, (words: readonly string[], context: LineContext) => string | null>,
  context: LineContext,
  report: Reporter,
): void {
  const words = line.words.map(({ value }) => value)
  const keyword = words[0]
  if (keyword === undefined || line.problem !== null) return
  const check = known.get(keyword)
  if (check === undefined) {
    const near = nearestWord(keyword, [
      ...known.keys(),
      ...(known === proxyKeywords ? structural : []),
      'global',
      ...proxySections,
    ])
    const hint = near === null ? '' : `; did you mean '${near}' maybe ?`
    return report.alert(`config : parsing ${at} : unknown keyword '${keyword}' in '${section.kind}' section${hint}`)
  }
  const fault = check(words, context)
  if (fault !== null) report.alert(`config : parsing ${at}${fault.startsWith(':') ? `: ${fault.slice(1)}` : ` : ${fault}`}`)
}
