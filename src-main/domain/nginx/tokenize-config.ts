/**
 * nginx's configuration syntax as tokens (ngx_conf_read_token of 1.22): words, `;`, `{` and `}`. Comments and white space are
 * skipped. A quote opens a string only at the start of a word, a backslash keeps the next character in any word, and `${` does
 * not open a block. Blocks in another language (`content_by_lua_block`) are not understood.
 */
export interface ConfigToken {
  kind: 'word' | ';' | '{' | '}'
  /** unquoted and unescaped text of a word, the character itself otherwise */
  text: string
  /** 1-based line of its first character */
  line: number
}

export interface ConfigProblem {
  file: string
  line: number
  message: string
}

const escapes: Record<string, string> = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' }
const blank = /[ \t\r\n]/
const wordEnd = /[ \t\r\n;{]/

export function tokenizeConfig(file: string, text: string): { tokens: ConfigToken[]; problems: ConfigProblem[] } {
  const tokens: ConfigToken[] = []
  const problems: ConfigProblem[] = []
  let line = 1
  let at = 0
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === '\n') line += 1
    if (blank.test(char)) at += 1
    else if (char === '#') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (char === ';' || char === '{' || char === '}') {
      tokens.push({ kind: char, text: char, line })
      at += 1
    } else {
      const word = char === '"' || char === "'" ? quotedWord(text, at) : bareWord(text, at)
      if (word.end === null) problems.push({ file, line, message: `the string that starts here has no closing ${char}` })
      tokens.push({ kind: 'word', text: word.text, line })
      const end = word.end ?? text.length
      line += text.slice(at, end).split('\n').length - 1
      at = end
    }
  }
  return { tokens, problems }
}

function quotedWord(text: string, start: number): { text: string; end: number | null } {
  const quote = text.charAt(start)
  let word = ''
  for (let at = start + 1; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === quote) return { text: word, end: at + 1 }
    if (char === '\\' && at + 1 < text.length) {
      at += 1
      word += unescaped(text.charAt(at))
    } else word += char
  }
  return { text: word, end: null }
}

function bareWord(text: string, start: number): { text: string; end: number } {
  let word = ''
  let at = start
  for (; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '$' && text.charAt(at + 1) === '{') {
      word += '${'
      at += 1
    } else if (char === '\\' && at + 1 < text.length) {
      at += 1
      word += unescaped(text.charAt(at))
    } else if (wordEnd.test(char)) break
    else word += char
  }
  return { text: word, end: at }
}

const unescaped = (char: string): string => escapes[char] ?? `\\${char}`
