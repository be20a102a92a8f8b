import type { ConfigLine } from './read-lines.ts'

/** keepalived reads its configuration once in each of its processes, and each tells what it does not understand. */
export type Pass = 'parent' | 'checker' | 'vrrp' | 'bfd'
export const passes: readonly Pass[] = ['parent', 'checker', 'vrrp', 'bfd']

/** A keyword of a level. `block` and `values` are what its braces hold: keywords, or lines of values. */
export interface Keyword {
  take?: (line: ConfigLine) => void
  block?: Keywords
  values?: (line: ConfigLine) => void
  end?: (line: ConfigLine) => void
}
export type Keywords = Readonly<Record<string, Keyword>>

/** Configuration that ends the process that reads it, with exit code 2. */
export class FatalConfig extends Error {}

export interface Parser {
  /** a fault of the configuration, at the line that is being read */
  fault(text: string): void
  /** word `index` of a line; its absence is fatal */
  word(line: ConfigLine, index: number): string
  /** A whole number, or null when it is none or out of range, which has been told. */
  whole(text: string, min: number, max: number): number | null
  /** Seconds with a fraction; see `whole`. */
  decimal(text: string, min: number, max: number): number | null
}

/** One pass over the lines. `keywords` makes the top level; `foreign` are keywords that another process reads. */
export function parsePass(
  pass: Pass,
  lines: readonly ConfigLine[],
  keywords: (parser: Parser) => Keywords,
  foreign: ReadonlySet<string>,
  report: (text: string) => void,
): void {
  let at = 0
  let depth = 0
  let current: ConfigLine | undefined
  const fault = (text: string): void => {
    // The first process reads the file itself, the others a copy that says where each line comes from.
    const where =
      current === undefined
        ? ''
        : pass === 'parent' && !current.isIncluded
          ? `(Line ${current.line}) `
          : `(${current.file}: Line ${current.line}) `
    report(where + text)
  }
  const next = (): ConfigLine | undefined => {
    current = lines[at++]
    for (const text of current?.faults ?? []) fault(text)
    if (current?.words[0] === '}' && --depth < 0) {
      fault("Extra '}' found")
      depth = 0
    }
    if (current?.opens === true) depth += 1
    return current
  }
  const parser: Parser = {
    fault,
    word(line, index) {
      const word = line.words[index]
      if (word !== undefined) return word
      const [first = ''] = line.words
      fault(
        `*** Configuration line starting \`${first}\` is missing a parameter after keyword \`${line.words[index - 1] ?? first}\` at word position ${index + 1}`,
      )
      throw new FatalConfig()
    },
    whole: (text, min, max) => ranged(/^[+-]?\d+$/, text, min, max, min, max),
    decimal: (text, min, max) => ranged(/^[+-]?(\d+\.?\d*|\.\d+)$/, text, min, max, min.toFixed(6), max.toFixed(6)),
  }
  function ranged(
    shape: RegExp,
    text: string,
    min: number,
    max: number,
    low: number | string,
    high: number | string,
  ): number | null {
    const number = Number(text)
    if (!shape.test(text)) fault(`invalid number '${text}'`)
    else if (min >= 0 && number < 0) fault(`negative number '${text}'`)
    else if (number < min || number > max) fault(`number '${text}' outside range [${low}, ${high}]`)
    else return number
    return null
  }
  const skipBlock = (): void => {
    for (let open = 1, line = next(); line !== undefined; line = next()) {
      if (line.words[0] === '}') open -= 1
      if (line.opens) open += 1
      if (open === 0) return
    }
  }
  const level = (known: Keywords, isTop: boolean): void => {
    for (let line = next(); line !== undefined; line = next()) {
      const [word = ''] = line.words
      if (word === '}' && !isTop) return
      const keyword = Object.hasOwn(known, word) ? known[word] : undefined
      if (keyword !== undefined) one(keyword, line)
      else if (isTop && foreign.has(word)) {
        if (line.opens) skipBlock()
      } else {
        fault(`Unknown keyword '${word}'`)
        if (line.opens) fault("Unexpected '{' - ignoring")
      }
    }
  }
  const one = (keyword: Keyword, line: ConfigLine): void => {
    keyword.take?.(line)
    const { block, values } = keyword
    if (block === undefined && values === undefined) return
    if (!line.opens) {
      current = lines[at]
      fault("Missing '{' at beginning of configuration block")
    }
    if (block !== undefined) level(block, false)
    else for (let value = next(); value !== undefined && value.words[0] !== '}'; value = next()) values?.(value)
    keyword.end?.(current ?? line)
  }
  level(keywords(parser), true)
  current = undefined
  if (depth > 0) report(`There are ${depth} missing '}'s or extra '{'s`)
}
