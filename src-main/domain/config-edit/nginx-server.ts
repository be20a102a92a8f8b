import type { ConfigIntent, ConfigText, FileEdits, ServerOption, TextEdit } from '#contract'
import { parseTree, type ConfigTree, type TreeDirective } from '../nginx/config-tree.ts'
import { globMatcher } from '../nginx/parse-config.ts'
import type { ConfigToken } from '../nginx/tokenize-config.ts'
import { shownAddress } from '../nginx/upstreams.ts'
import { EditRefusal } from './edit-refusal.ts'
import { indentAt, insertLineBelow, isAlone, lineAround, removeLines } from './text-lines.ts'

type ServerIntent = Extract<ConfigIntent, { server: string }>

interface OpenFile extends ConfigText {
  readonly tree: ConfigTree
  /** where each token begins */
  readonly starts: ReadonlyMap<ConfigToken, number>
}

/** A directive with the file it stands in. */
interface Placed {
  readonly file: OpenFile
  readonly directive: TreeDirective
}

/** ngx_http_upstream_module and ngx_stream_upstream_module, commercial ones included. */
const flags = new Set(['backup', 'down', 'drain', 'resolve'])
const valued = new Set(['weight', 'max_conns', 'max_fails', 'fail_timeout', 'slow_start', 'route', 'service'])
const comment = /^#/

/** `files`: the main file first, so that what an upstream includes is found. */
export function editNginxServer(files: readonly ConfigText[], intent: ServerIntent): FileEdits[] {
  const open = files.map(openFile)
  const upstream = upstreamOf(open, intent)
  const servers = membersOf(upstream, open)
  const [own, twin] = servers.filter(({ directive }) => addressOf(directive) === shownAddress(intent.server))
  const { pool, server } = intent
  if (intent.what === 'server.add') {
    if (own !== undefined) throw new EditRefusal(`${placeOf(own)}: ${pool} has a server ${server} already.`)
    const file = servers.at(-1)?.file ?? upstream.file
    return [{ path: file.path, edits: [addition(upstream, servers.at(-1), intent)] }]
  }
  if (own === undefined) throw new EditRefusal(`${placeOf(upstream)}: ${pool} has no server ${server}.`)
  if (twin !== undefined)
    throw new EditRefusal(`${placeOf(own)} and ${placeOf(twin)} are both ${server}: change the one that is meant in the text.`)
  return [{ path: own.file.path, edits: intent.what === 'server.remove' ? [removal(own)] : optionEdits(own, intent) }]
}

function openFile(file: ConfigText): OpenFile {
  const tree = parseTree(file.path, file.text)
  const starts = new Map<ConfigToken, number>()
  let at = 0
  for (const token of tree.tokens) {
    starts.set(token, at + token.before.length)
    at += token.before.length + token.raw.length
  }
  return { ...file, tree, starts }
}

function upstreamOf(files: readonly OpenFile[], { pool, context }: ServerIntent): Placed {
  const found = files.flatMap((file) =>
    file.tree.directives.flatMap((top) => {
      const name = top.words[0].text
      const inside = name === 'http' || name === 'stream' ? (top.block ?? []) : []
      const among = [...(context === undefined || context === name ? inside : []), top]
      return among.filter((each) => isUpstream(each, pool)).map((directive) => ({ file, directive }))
    }),
  )
  const [first, second] = found
  if (first === undefined) throw new EditRefusal(`No upstream is called ${pool}.`)
  if (second !== undefined)
    throw new EditRefusal(`${placeOf(first)} and ${placeOf(second)} are both called ${pool}: say which of them is meant.`)
  return first
}

const isUpstream = ({ words, block }: TreeDirective, pool: string): boolean =>
  block !== null && words[0].text === 'upstream' && words[1]?.text === pool

/** An upstream may include the file that has its servers. */
function membersOf({ file, directive }: Placed, files: readonly OpenFile[]): Placed[] {
  const main = files[0]?.path ?? ''
  return (directive.block ?? []).flatMap((each): Placed[] => {
    const [name, pattern] = each.words
    if (isServer(each)) return [{ file, directive: each }]
    if (name.text !== 'include' || pattern === undefined) return []
    const path = pattern.text.startsWith('/') ? pattern.text : main.slice(0, main.lastIndexOf('/') + 1) + pattern.text
    const matches = globMatcher(path)
    return files
      .filter((other) => matches(other.path))
      .flatMap((other) => other.tree.directives.filter(isServer).map((server) => ({ file: other, directive: server })))
  })
}

const isServer = ({ words, end, block }: TreeDirective): boolean =>
  block === null && end?.kind === ';' && words[0].text === 'server' && words.length > 1

const addressOf = ({ words }: TreeDirective): string => shownAddress(words[1]?.text ?? '')

function addition(upstream: Placed, last: Placed | undefined, intent: ServerIntent & { what: 'server.add' }): TextEdit {
  const options = intent.options.map(checked).flatMap(wordOf)
  const written = `${['server', intent.address, ...options].map((word, index) => (index === 0 ? word : quoted(word))).join(' ')};`
  const neighbour = last ?? upstream
  const { text } = neighbour.file
  const [from, to] = spanOf(neighbour)
  if (last === undefined) {
    const [first] = upstream.directive.block ?? []
    const indent = first === undefined ? '' : indentAt(text, startOf(upstream.file, first.words[0]))
    const own = indentAt(text, from)
    const line = (indent.length > own.length ? indent : `${own}    `) + written
    return isAlone(text, from, to, comment) ? insertLineBelow(text, to, line) : { from: to, to, insert: ` ${written}` }
  }
  if (isAlone(text, from, to, comment)) return insertLineBelow(text, to, indentAt(text, from) + written)
  return { from: to, to, insert: ` ${written}` }
}

function removal(server: Placed): TextEdit {
  const { text } = server.file
  const [from, to] = spanOf(server)
  if (isAlone(text, from, to, comment)) return removeLines(text, from, to)
  const blanks = /[ \t]*$/.exec(text.slice(lineAround(text, from).from, from))?.[0].length ?? 0
  return { from: from - blanks, to, insert: '' }
}

function optionEdits({ file, directive }: Placed, change: ServerOption): TextEdit[] {
  const { option, value } = checked(change)
  const spanOfWord = (word: ConfigToken): [number, number] => [startOf(file, word), startOf(file, word) + word.raw.length]
  const [, address, ...parameters] = directive.words
  if (option === 'address') {
    if (address === undefined || typeof value !== 'string' || address.text === value) return []
    const [from, to] = spanOfWord(address)
    return [{ from, to, insert: quoted(value) }]
  }
  const own = parameters.filter(({ text }) => text === option || text.startsWith(`${option}=`))
  const [wanted] = wordOf({ option, value })
  const last = own.at(-1)
  if (wanted === undefined) {
    return own.map((word) => {
      const [from, to] = spanOfWord(word)
      return { from: word.before.trim() === '' ? from - word.before.length : from, to, insert: '' }
    })
  }
  if (last?.text === wanted) return []
  const [from, to] = spanOfWord(last ?? parameters.at(-1) ?? address ?? directive.words[0])
  return last === undefined ? [{ from: to, to, insert: ` ${quoted(wanted)}` }] : [{ from, to, insert: quoted(wanted) }]
}

/** The word of an option that is set; none for one that is off or left to nginx. */
function wordOf({ option, value }: ServerOption): string[] {
  if (typeof value === 'string') return [`${option}=${value}`]
  return value === true ? [option] : []
}

function checked({ option, value }: ServerOption): ServerOption {
  const isValue = valued.has(option) || option === 'address'
  if (!isValue && !flags.has(option))
    throw new EditRefusal(`A server of an nginx upstream has no parameter "${option}" that could be set here.`)
  if (isValue && typeof value === 'boolean') throw new EditRefusal(`"${option}" of a server wants a value.`)
  if (!isValue && typeof value === 'string') throw new EditRefusal(`"${option}" of a server takes no value.`)
  if (option === 'address' && value === null) throw new EditRefusal('A server cannot be without an address.')
  return { option, value }
}

/** Written so that nginx reads the word back as it is: plain where it can, else in double quotes. */
const quoted = (word: string): string => (/[\s;{}"'\\#]/.test(word) ? `"${word.replace(/["\\]/g, '\\$&')}"` : word)

/** From its name to behind its `;` or `{`. */
function spanOf({ file, directive }: Placed): [number, number] {
  const last = directive.end ?? directive.words.at(-1) ?? directive.words[0]
  return [startOf(file, directive.words[0]), startOf(file, last) + last.raw.length]
}

function startOf({ path, starts }: OpenFile, token: ConfigToken): number {
  const start = starts.get(token)
  if (start === undefined) throw new RangeError(`the token is not one of ${path}`)
  return start
}

const placeOf = ({ file, directive }: Placed): string => `${file.path}:${directive.words[0].line}`
