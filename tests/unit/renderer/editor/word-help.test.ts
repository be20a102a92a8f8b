import { EditorState } from '@codemirror/state'
import { describe, expect, it } from 'vitest'
import { lineEndsOf } from '../../../../src-renderer/editor/line-ends.ts'
import { explain } from '../../../../src-renderer/editor/word-help.ts'

describe('explain', () => {
  it.each([
    ['haproxy', '    server web1 10.0.0.1:80 check maxconn 5', 'maxconn', /this server/],
    ['haproxy', '    maxconn 5', 'maxconn', /in the kernel/],
    ['haproxy', '    timeout server 30s', 'server', /silent server/],
    ['nginx', 'upstream a { server 10.0.0.1 down; }', 'down', /place in a hash/],
    ['nginx', 'upstream a { server 10.0.0.1 down; }', 'server', /virtual server/],
    ['keepalived', '  nopreempt', 'nopreempt', /lower priority/],
  ] as const)('%s: %s: %s', (kind, line, word, meaning) => {
    const found = explain(kind, line, line.indexOf(word) + 1)
    expect(found?.help.en).toMatch(meaning)
    expect(found && line.slice(found.from, found.to)).toBe(word)
  })

  it('says nothing of a name that only looks like a word', () => {
    expect(explain('haproxy', 'backend server', 10)).toBeNull()
    expect(explain('keepalived', 'vrrp_instance state {', 15)).toBeNull()
  })
})

describe('lineEndsOf', () => {
  it.each(['a\r\nb\r\n', 'a\nb', 'a\r\nb\nc\r\n', 'a\rb\n', '\r\n\r\n', 'a\r\r\nb\r\n'])(
    'keeps every line end of %j',
    (text) => {
      expect(EditorState.create({ doc: text, extensions: lineEndsOf(text) }).sliceDoc()).toBe(text)
    },
  )

  it('gives a file of CRLF more of them', () => {
    const state = EditorState.create({ doc: 'a\r\nb', extensions: lineEndsOf('a\r\nb') })
    expect(state.update({ changes: { from: 1, insert: state.toText('x\r\ny') } }).state.sliceDoc()).toBe('ax\r\ny\r\nb')
  })
})
