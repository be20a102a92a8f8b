/** HAProxy's grammar: lines and sections and nothing else. */
import { parseLines, type ConfigLine, type LineGrammar, type LineTree } from '../../config-text/line-tree.ts'
import { parseLine, quoteWord } from './parse-line.ts'

/** A section: its head line and everything up to the next head. */
export interface Section {
  /** `frontend`, `backend`, …; '' for lines before the first head, which HAProxy refuses */
  readonly kind: string
  /** the word after the kind; null when there is none */
  readonly name: string | null
  /** null for lines before the first head */
  readonly head: ConfigLine | null
  /** without the head; comments and empty lines included */
  readonly lines: readonly ConfigLine[]
}

/** Every keyword that begins a section, up to HAProxy 3.2. */
export const sectionKinds: ReadonlySet<string> = new Set([
  'global',
  'defaults',
  'frontend',
  'backend',
  'listen',
  'peers',
  'resolvers',
  'mailers',
  'userlist',
  'cache',
  'program',
  'http-errors',
  'ring',
  'log-forward',
  'fcgi-app',
  'traces',
  'crt-store',
  'log-profile',
  'acme',
])

const grammar: LineGrammar = {
  parseLine,
  quoteWord,
  opensBlock: ({ words }) => sectionKinds.has(words[0]?.value ?? ''),
}

export const parseConfig = (text: string): LineTree => parseLines(grammar, text)

/** Sections in the order of the file; nothing is left out. */
export function sectionsOf({ lines }: LineTree): Section[] {
  const sections: { kind: string; name: string | null; head: ConfigLine | null; lines: ConfigLine[] }[] = []
  for (const line of lines) {
    const kind = line.words[0]?.value ?? ''
    if (sectionKinds.has(kind)) sections.push({ kind, name: line.words[1]?.value ?? null, head: line, lines: [] })
    else {
      const open = sections.at(-1)
      if (open === undefined) sections.push({ kind: '', name: null, head: null, lines: [line] })
      else open.lines.push(line)
    }
  }
  return sections
}
