import { autocompletion, type CompletionContext, type CompletionResult } from '@codemirror/autocomplete'
import type { Extension } from '@codemirror/state'
import { hoverTooltip } from '@codemirror/view'
import type { CodeKind } from './modes.ts'
import { haproxyWords } from './words/haproxy.ts'
import type { HelpWord } from './words/help-word.ts'
import { keepalivedWords } from './words/keepalived.ts'
import { nginxWords } from './words/nginx.ts'

const words: Record<CodeKind, readonly HelpWord[]> = {
  haproxy: haproxyWords,
  nginx: nginxWords,
  keepalived: keepalivedWords,
}
const nameAt = /[A-Za-z][A-Za-z0-9_-]*/g

/** The explanation of the word at a column of a line; of words with two meanings the one that fits what stands before it. */
export function explain(kind: CodeKind, line: string, column: number): { from: number; to: number; help: HelpWord } | null {
  for (const { 0: word, index } of line.matchAll(nameAt)) {
    const to = index + word.length
    if (column < index || column > to) continue
    const help = fitting(kind, before(kind, line, index)).find((each) => each.word === word)
    return help ? { from: index, to, help } : null
  }
  return null
}

/** What may stand behind the words of a statement so far. */
function fitting(kind: CodeKind, said: string): HelpWord[] {
  return words[kind].filter(({ after }) => (after ? after.test(said) : said === ''))
}

/** The words of the statement before a column: of nginx and keepalived those since the last `;`, `{` or `}`. */
function before(kind: CodeKind, line: string, column: number): string {
  const said = line.slice(0, column)
  return (kind === 'haproxy' ? said : said.slice(Math.max(...[...';{}'].map((end) => said.lastIndexOf(end))) + 1)).trim()
}

/** Completion (Ctrl Space, and while typing) and an explanation under the pointer. */
export function wordHelp(kind: CodeKind, locale: string): Extension {
  const told = (help: HelpWord): string => (locale === 'ja' ? help.ja : help.en)
  const complete = (context: CompletionContext): CompletionResult | null => {
    const typed = context.matchBefore(/[A-Za-z][A-Za-z0-9_-]*/)
    if (!typed && !context.explicit) return null
    const from = typed?.from ?? context.pos
    const line = context.state.doc.lineAt(from)
    if (/^\s*[#!]/.test(line.text)) return null
    const options = fitting(kind, before(kind, line.text, from - line.from)).map((help) => ({
      label: help.word,
      info: told(help),
    }))
    return options.length === 0 ? null : { from, options, validFor: /^[A-Za-z0-9_-]*$/ }
  }
  return [
    autocompletion({ override: [complete], icons: false }),
    hoverTooltip((view, pos) => {
      const line = view.state.doc.lineAt(pos)
      const found = explain(kind, line.text, pos - line.from)
      if (!found) return null
      return {
        pos: line.from + found.from,
        end: line.from + found.to,
        create() {
          const dom = document.createElement('div')
          dom.className = 'cm-help'
          dom.textContent = `${found.help.word}: ${told(found.help)}`
          return { dom }
        },
      }
    }),
  ]
}
