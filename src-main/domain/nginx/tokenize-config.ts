/**
 * nginx's configuration syntax as tokens (ngx_conf_read_token of 1.22): words, `;`, `{` and `}`. A quote opens a string only at the
 * start of a word, a backslash keeps the next character in any word, and `${` does not open a block. Nothing is lost: every token
 * carries what stands before it, so that the tokens and the tail put together are the file.
 */
export interface ConfigToken {
  kind: 'word' | ';' | '{' | '}' | 'foreign'
  /** unquoted and unescaped text of a word, the characters themselves otherwise */
  text: string
  /** white space and comments before it */
  before: string
  /** as written, quotes included */
  raw: string
  /** 1-based place of its first character */
  line: number
  column: number
}

export interface TokenizedConfig {
  tokens: ConfigToken[]
  /** white space and comments after the last token */
  tail: string
  problems: ConfigProblem[]
}

export interface ConfigProblem {
  file: string
  line: number
  message: string
}

const escapes: Record<string, string> = { t: '\t', r: '\r', n: '\n', '"': '"', "'": "'", '\\': '\\' }
const blank = /[ \t\r\n]/
const wordEnd = /[ \t\r\n;{]/

export function tokenizeConfig(file: string, text: string): TokenizedConfig {
  const tokens: ConfigToken[] = []
  const problems: ConfigProblem[] = []
  let line = 1
  let lineStart = 0
  let before = 0
  let at = 0
  const push = (kind: ConfigToken['kind'], word: string, end: number): void => {
    const raw = text.slice(at, end)
    tokens.push({ kind, text: word, before: text.slice(before, at), raw, line, column: at - lineStart + 1 })
    for (let newline = raw.indexOf('\n'); newline >= 0; newline = raw.indexOf('\n', newline + 1)) {
      line += 1
      lineStart = at + newline + 1
    }
    at = end
    before = end
  }
  while (at < text.length) {
    const char = text.charAt(at)
    if (char === '\n') {
      line += 1
      lineStart = at + 1
    }
    if (blank.test(char)) at += 1
    else if (char === '#') {
      const end = text.indexOf('\n', at)
      at = end < 0 ? text.length : end
    } else if (char === '{' && foreignBlock.test(tokens.at(-1)?.text ?? '')) {
      push('{', char, at + 1)
      push('foreign', '', foreignEnd(text, at))
    } else if (char === ';' || char === '{' || char === '}') push(char, char, at + 1)
    else {
      const word = char === '"' || char === "'" ? quotedWord(text, at) : bareWord(text, at)
      if (word.end === null) problems.push({ file, line, message: `the string that starts here has no closing ${char}` })
      push('word', word.text, word.end ?? text.length)
    }
  }
  return { tokens, tail: text.slice(before), problems }
}

/** Blocks of the Lua module, whose content is Lua. */
const foreignBlock = /_by_lua_block$/

/** Where the block's closing brace stands: braces are counted, and those in Lua's strings and comments count as well. */
function foreignEnd(text: string, start: number): number {
  let depth = 1
  for (let at = start; at < text.length; at += 1) {
    const char = text.charAt(at)
    if (char === '{') depth += 1
    else if (char === '}') depth -= 1
    if (depth === 0) return at
  }
  return text.length
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
