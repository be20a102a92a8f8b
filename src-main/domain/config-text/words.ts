/** A word of a line as it is written, quotes and all. */
export interface WrittenWord {
  /** offset in the text it was found in */
  from: number
  to: number
  text: string
}

/** What ends a statement or a block is a word of its own; a comment is none. */
const word = /(?:"(?:\\.|[^"\\\n])*"|'[^'\n]*'|\\.|[^\s;{}"'#]|(?<=\S)#|["'])+|[;{}]|#.*/g

/** The words of one line of any of the three languages, without its comment. */
export function wordsOf(line: string, offset = 0): WrittenWord[] {
  return [...line.matchAll(word)].flatMap(({ 0: text, index }) =>
    text.startsWith('#') ? [] : [{ from: offset + index, to: offset + index + text.length, text }],
  )
}
