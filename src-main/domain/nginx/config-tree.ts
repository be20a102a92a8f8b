/*
 * One configuration file of nginx, lossless: `printTree(parseTree(text)) === text` for any text, broken or not, because the tokens keep
 * what stands between them. Directives are a view over the tokens; an edit changes tokens, and everything else stays as it was.
 * Bytes that are not UTF-8 must be decoded by the caller one character per byte (latin1), or they cannot come back.
 */
import { tokenizeConfig, type ConfigProblem, type ConfigToken } from './tokenize-config.ts'

export interface TreeDirective {
  /** the name, then the arguments */
  readonly words: readonly [ConfigToken, ...ConfigToken[]]
  /** the `;` or `{`; null where the file ends or breaks off before */
  readonly end: ConfigToken | null
  /** null for a directive without a block */
  readonly block: readonly TreeDirective[] | null
}

export interface ConfigTree {
  readonly path: string
  readonly tokens: readonly ConfigToken[]
  readonly tail: string
  readonly directives: readonly TreeDirective[]
  /** collected, not thrown: the rest of the file is read on */
  readonly problems: readonly ConfigProblem[]
}

/** far deeper than nginx's own contexts go; keeps a file of braces from exhausting the stack of those who walk the tree */
const maxDepth = 64

export function parseTree(path: string, text: string): ConfigTree {
  const { tokens, tail, problems } = tokenizeConfig(path, text)
  return { path, tokens, tail, ...directivesFrom(path, text, tokens, problems) }
}

export function printTree({ tokens, tail }: Pick<ConfigTree, 'tokens' | 'tail'>): string {
  return tokens.map(({ before, raw }) => before + raw).join('') + tail
}

function directivesFrom(
  path: string,
  text: string,
  tokens: readonly ConfigToken[],
  found: readonly ConfigProblem[],
): Pick<ConfigTree, 'directives' | 'problems'> {
  const problems = [...found]
  const complain = (line: number, message: string): void => void problems.push({ file: path, line, message })
  const top: TreeDirective[] = []
  const open: TreeDirective[][] = [top]
  let words: ConfigToken[] = []
  for (const token of tokens) {
    if (token.kind === 'word') {
      words.push(token)
      continue
    }
    const [name, ...args] = words
    words = []
    if (token.kind === 'foreign') continue
    if (token.kind === '}') {
      if (name !== undefined) {
        complain(name.line, `"${name.text}" is not ended by ";" before "}"`)
        open.at(-1)?.push({ words: [name, ...args], end: null, block: null })
      }
      if (open.length > 1) open.pop()
      else complain(token.line, 'unexpected "}"')
    } else if (name === undefined) complain(token.line, `unexpected "${token.kind}"`)
    else {
      const block: TreeDirective[] | null = token.kind === '{' ? [] : null
      open.at(-1)?.push({ words: [name, ...args], end: token, block })
      if (block === null) continue
      if (open.length < maxDepth) open.push(block)
      else complain(token.line, `blocks are nested more than ${maxDepth} deep`)
    }
  }
  const [name, ...args] = words
  if (name !== undefined) {
    complain(name.line, `"${name.text}" is not ended by ";"`)
    open.at(-1)?.push({ words: [name, ...args], end: null, block: null })
  }
  if (open.length > 1) complain(text.split('\n').length, 'unexpected end of file, expecting "}"')
  return { directives: top, problems }
}

/** The file with `raw` in place of a token. */
export function replaceToken(tree: ConfigTree, token: ConfigToken, raw: string): ConfigTree {
  return edited(tree, token, 1, () => [{ before: token.before, raw }])
}

/** The file with one more word after `token`. */
export function insertWordAfter(tree: ConfigTree, token: ConfigToken, raw: string): ConfigTree {
  return edited(tree, token, 1, () => [token, { before: ' ', raw }])
}

/** The file without a word and the blanks before it; a comment that stands before it stays. */
export function removeWord(tree: ConfigTree, token: ConfigToken): ConfigTree {
  const kept = token.before.trimEnd()
  return edited(tree, token, 1, () => (kept === '' ? [] : [{ before: kept, raw: '\n' }]))
}

/** The file with another directive after `directive`, on a line of its own, indented alike. `raw` has no `;`. */
export function insertDirectiveAfter(tree: ConfigTree, directive: TreeDirective, raw: string): ConfigTree {
  const last = directive.end
  if (last?.kind !== ';') throw new RangeError('only a directive that ends with ";" has a place after it')
  const indent = /(?:^|\n)([ \t]*)$/.exec(directive.words[0].before)?.[1] ?? ' '
  return edited(tree, last, 1, () => [last, { before: `\n${indent}`, raw: `${raw};` }])
}

/** The file without a directive that has no block, and without its line when nothing else stands on it. */
export function removeDirective(tree: ConfigTree, directive: TreeDirective): ConfigTree {
  if (directive.end?.kind !== ';') throw new RangeError('only a directive that ends with ";" can be taken out alone')
  const [name] = directive.words
  const kept = name.before.replace(/\r?\n?[ \t]*$/, '')
  return edited(tree, name, directive.words.length + 1, () => (kept === '' ? [] : [{ before: kept, raw: '' }]))
}

/** Tokens are known by identity: one of another tree is refused. The changed text is parsed anew, so that places are right again. */
function edited(
  tree: ConfigTree,
  first: ConfigToken,
  count: number,
  by: () => readonly Pick<ConfigToken, 'before' | 'raw'>[],
): ConfigTree {
  const at = tree.tokens.indexOf(first)
  if (at < 0) throw new RangeError('the token is not one of this file')
  const pieces = [...tree.tokens.slice(0, at), ...by(), ...tree.tokens.slice(at + count)]
  return parseTree(tree.path, pieces.map(({ before, raw }) => before + raw).join('') + tree.tail)
}
