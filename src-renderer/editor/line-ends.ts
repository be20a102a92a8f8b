import { EditorState, type Extension } from '@codemirror/state'

/**
 * CodeMirror makes every line end alike unless it is told. A file that has CRLF throughout gets CRLF for new lines too; in a mixed one a
 * line break is LF, and the CR before some of them is a character of its line, so that no byte changes that nobody typed.
 */
export function lineEndsOf(text: string): Extension {
  const isCrlf = text.includes('\r\n') && !/(^|[^\r])\n|\r(?!\n)/.test(text)
  return EditorState.lineSeparator.of(isCrlf ? '\r\n' : '\n')
}
