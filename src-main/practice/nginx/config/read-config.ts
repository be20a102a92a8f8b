import { tokenizeConfig, type ConfigToken } from '../../../domain/nginx/tokenize-config.ts'
import { includedPaths } from './included-paths.ts'
import { PosixError } from '../../machine/machine.ts'
import { errnoText } from '../errno.ts'
import { checkPattern } from './check-http.ts'
import { directivesNamed, type DirectiveRule } from './directives.ts'
import { ConfigError, type Context, type Reading, type Scope, type Statement } from './statement.ts'

/** nginx itself ends only when file descriptors run out. */
const maxIncludeDepth = 32

export interface ReadConfig {
  readonly statements: Statement[]
  /** each file once, in order of first inclusion */
  readonly files: ReadonlyMap<string, string>
}

/**
 * Reads a configuration as nginx does: word by word and file by file, so that of several mistakes the first one is told, and with the line
 * on which nginx noticed it. Throws ConfigError.
 * @param global the text of `-g`
 */
export function readConfig(path: string, global: string | null, reading: Reading): ReadConfig {
  const files = new Map<string, string>()
  const statements: Statement[] = []
  const root: BlockPlace = { context: 'main', around: [], statements }

  function readFile(file: string, place: BlockPlace, depth: number, from: Statement | null): void {
    let text: string
    try {
      text = reading.machine.files.read(file, reading.uid).toString('utf8')
    } catch (thrown) {
      if (!(thrown instanceof PosixError)) throw thrown
      throw new ConfigError(`open() "${file}" failed (${errnoText(thrown)})`, from)
    }
    files.set(file, text)
    readText({ file, text, isParameter: false }, place, depth)
  }

  function readText(
    { file, text, isParameter }: { file: string; text: string; isParameter: boolean },
    place: BlockPlace,
    depth: number,
  ): void {
    const { tokens, problems } = tokenizeConfig(file, text)
    const lastLine = text.split('\n').length
    const at = (line: number): { file: string; line: number } => ({ file, line: isParameter ? 0 : line })
    const unfinished = isParameter
      ? 'unexpected end of parameter, expecting ";"'
      : 'unexpected end of file, expecting ";" or "}"'
    let next = 0

    function readBlock(block: BlockPlace, isFile: boolean): number {
      let words: ConfigToken[] = []
      for (; next < tokens.length;) {
        const token = tokens[next++]
        if (token === undefined) break
        const previous = words.at(-1)
        if (
          previous !== undefined &&
          token.before === '' &&
          /^["']/.test(previous.raw) &&
          token.kind !== ';' &&
          token.kind !== '{'
        )
          throw new ConfigError(`unexpected "${token.raw.charAt(0)}"`, at(token.line))
        if (token.kind === 'word') words.push(token)
        else if (token.kind === '}') {
          if (words.length > 0 || isFile) throw new ConfigError('unexpected "}"', at(token.line))
          return token.line
        } else if (words.length === 0) throw new ConfigError(`unexpected "${token.kind}"`, at(token.line))
        else {
          accept(words, token, block)
          words = []
        }
      }
      if (words.length > 0 || problems.length > 0) throw new ConfigError(unfinished, at(lastLine))
      if (!isFile) throw new ConfigError('unexpected end of file, expecting "}"', at(lastLine))
      return lastLine
    }

    function accept([first, ...rest]: readonly ConfigToken[], end: ConfigToken, block: BlockPlace): void {
      if (first === undefined) return
      // A string left open swallows the rest of the file.
      if (
        problems.some(({ line }) =>
          [first, ...rest].some((word) => word.line === line && /^["']/.test(word.raw) && !/^(["']).*\1$/s.test(word.raw)),
        )
      )
        throw new ConfigError(unfinished, at(lastLine))
      const statement: Statement = {
        name: first.text,
        args: rest.map(({ text: word }) => word),
        ...at(end.line),
        block: end.kind === '{' ? [] : null,
        endLine: end.line,
      }
      const scope: Scope = { reading, before: block.statements, around: block.around }
      // Values in maps and types are data, not directives.
      if (block.context === 'map' || block.context === 'types') {
        mapEntry(block.context, statement, scope)
        block.statements.push(statement)
        return
      }
      const rule = ruleFor(statement, block.context, reading)
      rule.check?.(statement, scope)
      if (statement.name === 'include') {
        for (const included of includedPaths(statement.args[0] ?? '', reading)) {
          if (depth >= maxIncludeDepth)
            throw new ConfigError(`open() "${included}" failed (24: Too many open files)`, statement)
          readFile(included, block, depth + 1, statement)
        }
        return
      }
      if (rule.opens !== null) {
        const inside: Statement[] = []
        const around = [{ statement, before: block.statements }, ...block.around]
        statement.endLine = readBlock({ context: rule.opens, around, statements: inside }, false)
        statement.block = inside
        rule.finish?.(statement, scope)
      }
      block.statements.push(statement)
    }

    readBlock(place, true)
  }

  if (global !== null) readText({ file: 'command line', text: global, isParameter: true }, root, 0)
  readFile(path, root, 0, null)
  return { statements, files }
}

interface BlockPlace {
  readonly context: Context
  readonly around: Scope['around']
  readonly statements: Statement[]
}

function mapEntry(context: Context, statement: Statement, { before }: Scope): void {
  if (statement.block !== null) throw new ConfigError('unexpected "{"', statement)
  if (context === 'types') return
  if (statement.name.startsWith('~')) checkPattern(statement.name.replace(/^~\*?/, ''), statement)
  if (statement.name === 'hostnames' || statement.name === 'include')
    throw new ConfigError(`"${statement.name}" in a map cannot be carried out by a practice nginx`, statement)
  if (statement.args.length !== 1 && statement.name !== 'volatile')
    throw new ConfigError('invalid number of the map parameters', statement)
  if (statement.name === 'default' && before.some(({ name }) => name === 'default'))
    throw new ConfigError('duplicate default map parameter', statement)
}

/** The rule for this directive here. Throws ConfigError with nginx's reason for there being none (ngx_conf_handler). */
function ruleFor(statement: Statement, context: Context, reading: Reading): DirectiveRule {
  const { name, args, block } = statement
  const known = directivesNamed(name).filter(
    (rule) => !rule.contexts.every((each) => each.startsWith('stream')) || reading.hasStream(),
  )
  const rules = known.filter(({ contexts, opens }) => contexts.includes(context) && (opens !== 'stream' || reading.hasStream()))
  for (const rule of rules) {
    if (rule.opens === null && block !== null) throw new ConfigError(`directive "${name}" is not terminated by ";"`, statement)
    if (rule.opens !== null && block === null) throw new ConfigError(`directive "${name}" has no opening "{"`, statement)
    if (args.length < rule.least || args.length > rule.most)
      throw new ConfigError(`invalid number of arguments in "${name}" directive`, statement)
    return rule
  }
  const exists = known.some(({ opens }) => opens !== 'stream' || reading.hasStream())
  throw new ConfigError(exists ? `"${name}" directive is not allowed here` : `unknown directive "${name}"`, statement)
}
