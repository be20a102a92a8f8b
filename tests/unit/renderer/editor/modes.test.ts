import { ensureSyntaxTree, foldable } from '@codemirror/language'
import { EditorState } from '@codemirror/state'
import { describe, expect, it } from 'vitest'
import { modeOf, type CodeKind } from '../../../../src-renderer/editor/modes.ts'

const stateOf = (kind: CodeKind, doc: string): EditorState => EditorState.create({ doc, extensions: [modeOf(kind)] })

/** `word=style` for every word that has one */
function styled(kind: CodeKind, doc: string): string[] {
  const state = stateOf(kind, doc)
  const found: string[] = []
  ensureSyntaxTree(state, doc.length, 5000)?.iterate({
    enter: ({ name, from, to }) => void (name !== 'Document' && found.push(`${doc.slice(from, to)}=${name}`)),
  })
  return found
}
/** the text that would be hidden, for each line that can be folded */
function folds(kind: CodeKind, doc: string): string[] {
  const state = stateOf(kind, doc)
  return Array.from({ length: state.doc.lines }, (_, index) => state.doc.line(index + 1)).flatMap(({ from, to }) => {
    const range = foldable(state, from, to)
    return range === null ? [] : [state.sliceDoc(range.from, range.to)]
  })
}

describe('modeOf', () => {
  it.each<[CodeKind, string, string[]]>([
    ['haproxy', 'backend be_web # why', ['backend=heading', 'be_web=typeName', '# why=comment']],
    [
      'haproxy',
      '  server web1 10.0.0.1:80 weight 5',
      ['server=keyword', 'web1=variableName', '10.0.0.1:80=string', '5=number'],
    ],
    [
      'nginx',
      'upstream app { server 10.0.0.1:80 weight=3; }',
      ['upstream=heading', 'app=typeName', 'server=keyword', '10.0.0.1:80=string'],
    ],
    ['keepalived', 'vrrp_instance VI_1 {', ['vrrp_instance=heading', 'VI_1=typeName']],
    ['keepalived', '  priority 150 ! high', ['priority=keyword', '150=number', '! high=comment']],
  ])('%s: %s', (kind, text, expected) => {
    expect(styled(kind, text).filter((each) => !each.endsWith('=punctuation'))).toEqual(expected)
  })

  it('folds sections, and blocks whatever their comments say', () => {
    expect(folds('haproxy', 'global\n  daemon\n\n# of the backend\nbackend b\n  server s :1\n')).toEqual([
      '\n  daemon',
      '\n  server s :1',
    ])
    expect(folds('nginx', 'http { # }\n  server {\n    listen 80; # {\n  }\n}\n')).toEqual([
      '\n  server {\n    listen 80; # {\n  }',
      '\n    listen 80; # {',
    ])
  })

  it('goes to the end of anything, however it is broken', () => {
    for (const kind of ['haproxy', 'nginx', 'keepalived'] as const) {
      for (const text of ['"', "'", '\\', '{{{', '}}}', 'a "b\nc', 'x\\', '# ', '! "', ';;', '   ', '[::1', 'a{b}c;d']) {
        expect(ensureSyntaxTree(stateOf(kind, text), text.length, 5000)?.length).toBe(text.length)
      }
    }
  })
})
