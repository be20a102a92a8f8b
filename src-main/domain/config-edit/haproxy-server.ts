import type { ConfigIntent, ConfigText, FileEdits, ServerOption, TextEdit } from '#contract'
import type { ConfigLine, LineTree, Word } from '../config-text/line-tree.ts'
import { quoteWord } from '../haproxy/config/parse-line.ts'
import { optionForm, serverOptionsFrom } from '../haproxy/config/server-options.ts'
import { parseConfig, sectionsOf } from '../haproxy/config/tree.ts'
import { viewOf, type Place, type ProxyView } from '../haproxy/config/view.ts'
import { EditRefusal } from './edit-refusal.ts'
import { indentAt, insertLineBelow, removeLines } from './text-lines.ts'

type ServerIntent = Extract<ConfigIntent, { server: string }>

interface OpenFile extends ConfigText {
  readonly tree: LineTree
  /** where each line begins */
  readonly starts: readonly number[]
}

/** words of `server NAME ADDRESS` */
const ownWords = 3
/** flags whose opposite has a name of its own; the others take `no-` before it */
const opposites: Readonly<Record<string, string>> = { disabled: 'enabled', enabled: 'disabled', stick: 'non-stick' }

/** `files` in the order HAProxy reads them: what a server inherits may stand in an earlier one. */
export function editHaproxyServer(files: readonly ConfigText[], intent: ServerIntent): FileEdits[] {
  const open = files.map(openFile)
  const proxy = poolOf(open, intent)
  const file = open.find(({ path }) => path === proxy.file)
  if (file === undefined) throw new EditRefusal(`The file ${proxy.file} of ${intent.pool} was not given.`)
  const server = proxy.servers.find(({ name }) => name === intent.server)
  if (intent.what === 'server.add') {
    if (server !== undefined) throw new EditRefusal(`${placeOf(server)}: ${intent.pool} has a server ${intent.server} already.`)
    return [{ path: file.path, edits: [addition(file, proxy, intent)] }]
  }
  if (server === undefined) throw new EditRefusal(`${placeOf(proxy)}: ${intent.pool} has no server ${intent.server}.`)
  const { line, from } = lineAt(file, server.line)
  if (line.words[0]?.value !== 'server')
    throw new EditRefusal(`${placeOf(server)}: ${intent.server} is one of a server-template; change its line in the text.`)
  const edits =
    intent.what === 'server.remove'
      ? [removeLines(file.text, from, from)]
      : optionEdits(line, proxy, intent).map((edit) => moved(edit, from))
  return [{ path: file.path, edits }]
}

function openFile(file: ConfigText): OpenFile {
  const tree = parseConfig(file.text)
  let at = 0
  const starts = tree.lines.map(({ text, end }) => {
    const start = at
    at += text.length + end.length
    return start
  })
  return { ...file, tree, starts }
}

function poolOf(files: readonly OpenFile[], { pool, context }: ServerIntent): ProxyView {
  const found = viewOf(files).proxies.filter(
    ({ kind, name }) => name === pool && kind !== 'frontend' && (context === undefined || kind === context),
  )
  const [first, second] = found
  if (first === undefined) throw new EditRefusal(`No backend or listen section is called ${pool}.`)
  if (second !== undefined)
    throw new EditRefusal(`${placeOf(first)} and ${placeOf(second)} are both called ${pool}: say which of them is meant.`)
  return first
}

function addition(file: OpenFile, proxy: ProxyView, intent: ServerIntent & { what: 'server.add' }): TextEdit {
  const section = sectionsOf(file.tree).find(({ head }) => head?.number === proxy.line)
  const lines = section?.lines.filter(({ words }) => words.length > 0) ?? []
  const neighbour = lines.findLast(({ words }) => words[0]?.value === 'server') ?? lines.at(-1)
  const options = intent.options.flatMap((option) => wordsFor(checked(option), proxy.serverDefaults))
  const written = ['server', ...[intent.server, intent.address, ...options].map(quoteWord)].join(' ')
  const { from } = lineAt(file, neighbour?.number ?? proxy.line)
  const indent = neighbour === undefined ? '    ' : indentAt(file.text, from + (neighbour.words[0]?.start ?? 0))
  return insertLineBelow(file.text, from, indent + written)
}

/** In columns of the server's line. */
function optionEdits({ words }: ConfigLine, proxy: ProxyView, change: ServerOption): TextEdit[] {
  const { option, value } = checked(change)
  if (option === 'address') return valueEdits(words[2], value)
  const isIt = ({ name }: { name: string }): boolean => name === option || name === oppositeOf(option)
  const own = serverOptionsFrom(words, ownWords).options.filter(isIt)
  const last = own.at(-1)
  if (typeof value === 'string' && last !== undefined) return valueEdits(words[last.from + 1], value)
  const isOn = last === undefined ? proxy.serverDefaults.has(option) : last.name === option
  if (typeof value === 'boolean' && isOn === value) return []
  const added = wordsFor({ option, value }, proxy.serverDefaults)
  const end = words.at(-1)?.end ?? 0
  return [
    ...own.map(({ from, to }) => ({ from: words[from - 1]?.end ?? 0, to: words[to - 1]?.end ?? 0, insert: '' })),
    ...(added.length === 0 ? [] : [{ from: end, to: end, insert: added.map((word) => ` ${quoteWord(word)}`).join('') }]),
  ]
}

function valueEdits(word: Word | undefined, value: ServerOption['value']): TextEdit[] {
  if (word === undefined || typeof value !== 'string' || word.value === value) return []
  if (word.variables.length > 0)
    throw new EditRefusal(`${word.value} is an environment variable of the node: change the variable, or the text.`)
  return [{ from: word.start, to: word.end, insert: quoteWord(value) }]
}

/** What a server has to say itself, so that it has this value whatever `default-server` gives it. */
function wordsFor({ option, value }: ServerOption, defaults: ProxyView['serverDefaults']): string[] {
  const inherited = defaults.get(option)
  if (typeof value === 'string') return inherited?.values[0] === value ? [] : [option, value]
  if (value === true) return inherited === undefined ? [option] : []
  return value === false && inherited !== undefined ? [oppositeOf(option)] : []
}

function checked({ option, value }: ServerOption): ServerOption {
  const form = option === 'address' ? 'value' : optionForm(option)
  if (form === null) throw new EditRefusal(`A server of HAProxy has no option "${option}" that could be set here.`)
  if (form === 'flag' && typeof value === 'string') throw new EditRefusal(`"${option}" of a server takes no value.`)
  if (form === 'value' && typeof value === 'boolean') throw new EditRefusal(`"${option}" of a server wants a value.`)
  if (option === 'address' && value === null) throw new EditRefusal('A server cannot be without an address.')
  return { option, value }
}

const oppositeOf = (option: string): string =>
  opposites[option] ?? (option.startsWith('no-') ? option.slice('no-'.length) : `no-${option}`)

function lineAt(file: OpenFile, number: number): { line: ConfigLine; from: number } {
  const [line, from] = [file.tree.lines[number - 1], file.starts[number - 1]]
  if (line === undefined || from === undefined) throw new RangeError(`${file.path} has no line ${number}`)
  return { line, from }
}

const moved = ({ from, to, insert }: TextEdit, by: number): TextEdit => ({ from: from + by, to: to + by, insert })

const placeOf = ({ file, line }: Place): string => `${file}:${line}`
