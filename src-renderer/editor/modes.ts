import { foldService, StreamLanguage, type StreamParser, type StringStream } from '@codemirror/language'
import type { Extension, Text } from '@codemirror/state'

export type CodeKind = 'haproxy' | 'nginx' | 'keepalived'

const sections =
  /^(global|defaults|frontend|backend|listen|peers|resolvers|mailers|userlist|cache|program|http-errors|ring|log-forward|fcgi-app|traces|crt-store|log-profile|acme)\b/
const blocks =
  /^(http|stream|events|server|location|upstream|map|geo|split_clients|if|limit_except|types|global_defs|vrrp_instance|vrrp_script|vrrp_track_file|vrrp_track_process|vrrp_sync_group|virtual_server|virtual_server_group|real_server)\b/
const figure = /^-?\d+(\.\d+)?(us|ms|[smhdwMy]|[kKmMgG]|%)?(?=[\s;,{}#]|$)/
const address = /^(\[?[0-9a-fA-F]*:[0-9a-fA-F:.]+\]?|\*|\d+\.\d+\.\d+\.\d+)?(:\d+|\/\d+)?(?=[\s;,{}#]|$)/

interface LineState {
  /** words of the statement so far */
  word: number
  /** the statement opens a section, so its next word is a name */
  opens: boolean
}

/** Comments, quotes, figures and addresses are alike in the three languages; what differs is where a statement begins and ends. */
function parserOf(name: CodeKind): StreamParser<LineState> {
  const isLines = name === 'haproxy'
  const comment = name === 'keepalived' ? /^[#!]/ : /^#/
  return {
    name,
    startState: () => ({ word: 0, opens: false }),
    copyState: (state) => ({ ...state }),
    token(stream, state) {
      if (stream.sol() && name !== 'nginx') Object.assign(state, { word: 0, opens: false })
      if (stream.eatSpace()) return null
      if (comment.test(stream.peek() ?? '')) {
        stream.skipToEnd()
        return 'comment'
      }
      if (!isLines && stream.match(/^[{};]/)) {
        Object.assign(state, { word: 0, opens: false })
        return 'punctuation'
      }
      const isFirst = state.word === 0
      state.word += 1
      if (isFirst) return firstWord(stream, state, isLines)
      return laterWord(stream, state)
    },
  }
}

/** `server` is a block of its own in nginx, and a line of an upstream. */
const opensBlock = (rest: string): boolean => blocks.test(rest) && /^[^;#]*(\{|$)/.test(rest)

function firstWord(stream: StringStream, state: LineState, isLines: boolean): string {
  state.opens = isLines ? stream.column() === 0 && sections.test(stream.string) : opensBlock(stream.string.slice(stream.pos))
  if (!isLines && stream.match(address) && stream.current() !== '') return 'string'
  if (!stream.match(/^[^\s;{}]+/)) stream.next()
  return state.opens ? 'heading' : 'keyword'
}

function laterWord(stream: StringStream, state: LineState): string | null {
  if (stream.match(/^"(?:[^"\\]|\\.)*"?/) || stream.match(/^'[^']*'?/)) return 'string'
  if (state.opens && state.word === 2) {
    stream.match(/^[^\s;{}]+/)
    return 'typeName'
  }
  if (stream.match(figure)) return 'number'
  if (stream.match(address) && stream.current() !== '') return 'string'
  if (!stream.match(/^(\\.|[^\s;{}"'\\])+/)) stream.next()
  return state.word === 2 ? 'variableName' : null
}

/** A section of HAProxy ends before the next one, without the blank and comment lines that belong to that. */
function sectionEnd(doc: Text, from: number): number | null {
  if (!sections.test(doc.lineAt(from).text)) return null
  let last = doc.lineAt(from).number
  for (let number = last + 1; number <= doc.lines; number += 1) {
    const { text } = doc.line(number)
    if (sections.test(text)) break
    if (/^\s+\S/.test(text)) last = number
  }
  return last === doc.lineAt(from).number ? null : doc.line(last).to
}

/** The line before the brace that closes the one at the end of this line. */
function blockEnd(doc: Text, from: number): number | null {
  const bare = (text: string): string => text.replace(/"(?:[^"\\]|\\.)*"|'[^']*'|[#].*/g, '')
  const first = doc.lineAt(from)
  if (!/\{\s*$/.test(bare(first.text))) return null
  let depth = 0
  for (let number = first.number; number <= doc.lines; number += 1) {
    for (const char of bare(doc.line(number).text)) depth += char === '{' ? 1 : char === '}' ? -1 : 0
    if (depth <= 0) return number - 1 > first.number ? doc.line(number - 1).to : null
  }
  return null
}

/** Highlighting and folding of one daemon's language. */
export function modeOf(kind: CodeKind): Extension {
  const endOf = kind === 'haproxy' ? sectionEnd : blockEnd
  return [
    StreamLanguage.define(parserOf(kind)),
    foldService.of(({ doc }, from, to) => {
      const end = endOf(doc, from)
      return end === null ? null : { from: to, to: end }
    }),
  ]
}
