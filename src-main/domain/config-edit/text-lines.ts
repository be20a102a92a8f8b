/*
 * Edits of whole lines. A line is put in, and taken out, together with the line end before it: so the last line of a file that has no
 * line end is no special case, what is put in can be taken out again to the byte, and CRLF stays CRLF.
 */
import type { TextEdit } from '#contract'

/** Where the line around `at` begins, and where its characters end, before its line end. */
export function lineAround(text: string, at: number): { from: number; to: number } {
  const from = text.lastIndexOf('\n', at - 1) + 1
  const newline = text.indexOf('\n', at)
  const to = newline < 0 ? text.length : newline
  return { from, to: to > from && text.charAt(to - 1) === '\r' ? to - 1 : to }
}

export const indentAt = (text: string, at: number): string =>
  /^[ \t]*/.exec(text.slice(lineAround(text, at).from, at))?.[0] ?? ''

/** A new line below the one around `at`. */
export function insertLineBelow(text: string, at: number, line: string): TextEdit {
  const { to } = lineAround(text, at)
  return { from: to, to, insert: lineEndNear(text, at) + line }
}

/** A new line above the one around `at`. */
export function insertLineAbove(text: string, at: number, line: string): TextEdit {
  const { from } = lineAround(text, at)
  return { from, to: from, insert: line + lineEndNear(text, at) }
}

/** Without the lines that hold `from` to `to`. */
export function removeLines(text: string, from: number, to: number): TextEdit {
  const [first, last] = [lineAround(text, from), lineAround(text, to)]
  if (first.from > 0) return { from: lineAround(text, first.from - 1).to, to: last.to, insert: '' }
  const newline = text.indexOf('\n', last.to)
  return { from: first.from, to: newline < 0 ? last.to : newline + 1, insert: '' }
}

/** Whether nothing else stands on the lines of `from` to `to`, but for a comment behind. */
export function isAlone(text: string, from: number, to: number, comment: RegExp): boolean {
  if (text.slice(lineAround(text, from).from, from).trim() !== '') return false
  const rest = text.slice(to, lineAround(text, to).to).trimStart()
  return rest === '' || comment.test(rest)
}

/** As the line around `at` ends; the last line takes after the one before it. */
export function lineEndNear(text: string, at: number): string {
  const newline = text.indexOf('\n', at)
  const known = newline < 0 ? text.lastIndexOf('\n') : newline
  return known > 0 && text.charAt(known - 1) === '\r' ? '\r\n' : '\n'
}
