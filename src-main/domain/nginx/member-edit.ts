/*
 * Taking a member out of an upstream, and putting it back, by the words `down` and `drain` of its `server` lines and by nothing else.
 *
 * Model: a line as it is written, from `server` to before its `;`, is the pre-image. What the line says besides those two words is its bare
 * form; putting back asks that it has not changed since, and then writes the recorded text again: every byte of the line comes back, and
 * every other byte of the file stays as it is now, whoever wrote it. `down` leaves the member its place in `ip_hash` and `hash`; taking the
 * line out would send other members' clients elsewhere (1.22.1: 137 of 200 instead of 67).
 */
import { parseTree, printTree, removeWord, type ConfigTree, type TreeDirective } from './config-tree.ts'
import { parseConfig } from './parse-config.ts'
import { findUpstreams, shownAddress, type Upstream, type UpstreamServer } from './upstreams.ts'

export interface ConfigSource {
  path: string
  /** one character per byte, so that bytes which are not UTF-8 come back */
  text: string
}

export interface MemberRef {
  context: Upstream['context']
  upstream: string
  /** as the readings name it */
  address: string
}

export interface MemberLine {
  file: string
  line: number
  /** from `server` to before the `;` */
  written: string
}

export interface Member {
  /** several when it is listed more than once */
  lines: MemberLine[]
  /** on every line */
  isOut: boolean
  weight: number
  endpoint: UpstreamServer['endpoint']
  /** `drain` where this nginx knows it, which is only with `sticky` */
  word: 'down' | 'drain'
  /** other pools whose files include the same line */
  sharedWith: string[]
  /** other pools that give new work to the same address */
  alsoServes: string[]
}

/** What becomes of each line; the others of its file stay. */
export type LineChange = MemberLine & { becomes: string }

/** `files`: the main file first. Null: there is no such member. */
export function findMember(files: readonly ConfigSource[], ref: MemberRef, version: string): Member | null {
  const upstreams = findUpstreams(parseConfig(files).directives)
  const upstream = upstreams.find(({ context, name }) => context === ref.context && name === ref.upstream)
  const servers = upstream?.servers.filter(({ address }) => address === ref.address) ?? []
  const [first] = servers
  if (upstream === undefined || first === undefined) return null
  const places = new Set(servers.map(placeOf))
  const lines = [...new Set(servers.map(({ file }) => file))].flatMap((path) => {
    const tree = parseTree(path, files.find((file) => file.path === path)?.text ?? '')
    return serverLines(tree.directives)
      .filter(({ words: [name, address] }) => isOf(ref, address?.text) && places.has(placeOf({ file: path, line: name.line })))
      .map((directive): MemberLine => ({ file: path, line: directive.words[0].line, written: writtenOf(directive) }))
  })
  return {
    lines,
    isOut: servers.every(({ down }) => down),
    weight: first.weight,
    endpoint: first.endpoint,
    word: /(^|, )sticky/.test(upstream.algorithm) && isAtLeast(version, [1, 29, 6]) ? 'drain' : 'down',
    alsoServes: upstreams
      .filter((other) => other !== upstream && other.servers.some((server) => isSameEndpoint(server, first) && !server.down))
      .map(nameOf),
    sharedWith: upstreams
      .filter(
        (other) =>
          other !== upstream && other.servers.some((server) => isOf(ref, server.address) && places.has(placeOf(server))),
      )
      .map(nameOf),
  }
}

/** Lines that take no new work already are left as they are. */
export function takeOut({ lines, word }: Pick<Member, 'lines' | 'word'>): LineChange[] {
  return lines.flatMap((line) =>
    bareOf(line.written) === line.written ? [{ ...line, becomes: `${line.written} ${word}` }] : [],
  )
}

export function putIntoService({ lines }: Pick<Member, 'lines'>): LineChange[] {
  return lines.map((line) => ({ ...line, becomes: bareOf(line.written) })).filter(({ written, becomes }) => written !== becomes)
}

/** Back to the recorded text. Answers the line that says something else than it did, if there is one: it is not for us to overwrite. */
export function putBack(
  now: readonly MemberLine[],
  before: readonly Pick<MemberLine, 'written'>[],
): LineChange[] | MemberLine | null {
  const changes: LineChange[] = []
  for (const [index, line] of now.entries()) {
    const recorded = before[index]
    if (recorded === undefined || bareOf(recorded.written) !== bareOf(line.written)) return line
    if (recorded.written !== line.written) changes.push({ ...line, becomes: recorded.written })
  }
  return before.length > now.length ? null : changes
}

/** The file with the lines changed; all of them are this file's. */
export function applyChanges({ path, text }: ConfigSource, changes: readonly LineChange[]): string {
  let tree = parseTree(path, text)
  for (const { line, written, becomes } of changes) {
    const directive = serverLines(tree.directives).find((each) => each.words[0].line === line && writtenOf(each) === written)
    if (directive === undefined) throw new RangeError(`${path}:${line} is not "${written}"`)
    tree = parseTree(path, withDirective(tree, directive, becomes))
  }
  return printTree(tree)
}

/** The line without the words that take a member out. */
export function bareOf(written: string): string {
  let tree = parseTree('', `${written};`)
  for (;;) {
    const word = tree.directives[0]?.words.slice(2).find(({ text }) => text === 'down' || text === 'drain')
    if (word === undefined) return printTree(tree).slice(0, -1)
    tree = removeWord(tree, word)
  }
}

function withDirective({ tokens, tail }: ConfigTree, { words }: TreeDirective, written: string): string {
  const [first] = words
  const at = tokens.indexOf(first)
  return (
    printTree({ tokens: tokens.slice(0, at), tail: first.before + written }) +
    printTree({ tokens: tokens.slice(at + words.length), tail })
  )
}

/** `server` directives without a block, wherever they stand: an upstream may include the file that has them. */
const serverLines = (directives: readonly TreeDirective[]): TreeDirective[] =>
  directives.flatMap((each) =>
    each.block !== null ? serverLines(each.block) : each.words[0].text === 'server' && each.end?.kind === ';' ? [each] : [],
  )

const writtenOf = ({ words }: TreeDirective): string =>
  words.map(({ before, raw }, index) => (index === 0 ? raw : before + raw)).join('')

const nameOf = ({ context, name }: Upstream): string => `${context} upstream ${name}`

const isSameEndpoint = (one: UpstreamServer, other: UpstreamServer): boolean =>
  one.endpoint !== null && one.endpoint.address === other.endpoint?.address && one.endpoint.port === other.endpoint.port

const isOf = ({ address }: MemberRef, written: string | undefined): boolean =>
  written !== undefined && shownAddress(written) === address

const placeOf = ({ file, line }: { file: string; line: number }): string => `${line} ${file}`

function isAtLeast(version: string, wanted: readonly number[]): boolean {
  const parts = version.split('.').map((part) => Number.parseInt(part, 10))
  for (const [index, part] of wanted.entries()) {
    const own = parts[index] ?? 0
    if (own !== part) return own > part
  }
  return true
}
