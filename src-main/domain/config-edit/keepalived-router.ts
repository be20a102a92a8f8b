import type { ConfigIntent, ConfigText, FileEdits, TextEdit } from '#contract'
import type { LineTree, Word } from '../config-text/line-tree.ts'
import { parseTree, type Statement } from '../keepalived/config-tree.ts'
import { statementOf, viewOf, type Instance } from '../keepalived/config-view.ts'
import { EditRefusal } from './edit-refusal.ts'
import { indentAt, insertLineAbove, insertLineBelow, isAlone, lineAround, lineEndNear, removeLines } from './text-lines.ts'

type RouterIntent = Extract<ConfigIntent, { router: string }>
type Keyword = Extract<RouterIntent, { keyword: string }>['keyword']

interface OpenFile extends ConfigText {
  readonly tree: LineTree
  /** where each line begins */
  readonly starts: readonly number[]
}

/** keepalived.conf(5) of 2.2.7: advert_int may have decimals (VRRP version 3), 0.01 to 255 s; the priority 255 is the address owner's. */
const forms: Record<Keyword, { test: (value: string | boolean) => boolean; wants: string }> = {
  state: { test: (value) => value === 'MASTER' || value === 'BACKUP', wants: 'MASTER or BACKUP' },
  priority: { test: (value) => isFigure(value, /^\d+$/) && +value >= 1 && +value <= 255, wants: 'a number from 1 to 255' },
  advert_int: {
    test: (value) => isFigure(value, /^\d+(\.\d{1,2})?$/) && +value >= 0.01 && +value <= 255,
    wants: 'seconds from 0.01 to 255',
  },
  nopreempt: { test: (value) => typeof value === 'boolean', wants: 'true or false' },
}
const isFigure = (value: string | boolean, form: RegExp): value is string => typeof value === 'string' && form.test(value)

/** a new statement goes below the last of these that there is */
const neighbours = ['state', 'interface', 'virtual_router_id', 'priority', 'advert_int']
const comment = /^[#!]/

export function editKeepalivedRouter(files: readonly ConfigText[], intent: RouterIntent): FileEdits[] {
  const found = files.flatMap((file) => {
    const tree = parseTree(file.text)
    const instances = viewOf(file.path, tree).instances.filter(({ name }) => name === intent.router)
    return instances.map((instance) => ({ file: openFile(file, tree), instance }))
  })
  const [first, second] = found
  if (first === undefined) throw new EditRefusal(`No vrrp_instance is called ${intent.router}.`)
  if (second !== undefined)
    throw new EditRefusal(`${placeOf(first.instance)} and ${placeOf(second.instance)} are both called ${intent.router}.`)
  const edits = intent.what === 'router.set' ? settingEdits(first.file, first.instance, intent) : addressEdits(first, intent)
  return [{ path: first.file.path, edits }]
}

function openFile(file: ConfigText, tree: LineTree): OpenFile {
  let at = 0
  const starts = tree.lines.map(({ text, end }) => {
    const start = at
    at += text.length + end.length
    return start
  })
  return { ...file, tree, starts }
}

function settingEdits(
  file: OpenFile,
  instance: Instance,
  { keyword, value }: RouterIntent & { what: 'router.set' },
): TextEdit[] {
  if (value !== null && !forms[keyword].test(value)) throw new EditRefusal(`${keyword} wants ${forms[keyword].wants}.`)
  const conditional = instance.statements.find(({ words: [at, name] }) => at.value.startsWith('@') && name?.value === keyword)
  if (conditional !== undefined)
    throw new EditRefusal(
      `${file.path}:${conditional.line}: ${keyword} depends on a condition (${conditional.words[0].value}); change it in the text.`,
    )
  const present = statementOf(instance.statements, keyword)
  if (value === null || value === false) return present === undefined ? [] : [removal(file, present)]
  if (present === undefined) return [addition(file, instance, value === true ? keyword : `${keyword} ${value}`)]
  const word = present.words[1]
  if (value === true || word === undefined || word.value === value) return []
  if (word.value.includes('$'))
    throw new EditRefusal(
      `${file.path}:${present.line}: ${keyword} is ${word.value}; each node has its own, so change it where it is defined.`,
    )
  const from = offsetOf(file, present.line, word)
  return [{ from, to: from + word.end - word.start, insert: value }]
}

function addition(file: OpenFile, { name, statements }: Instance, written: string): TextEdit {
  const neighbour = statements.findLast(({ words: [word], block }) => block === null && neighbours.includes(word.value))
  if (neighbour !== undefined) return below(file, neighbour, written)
  const [first] = statements
  if (first === undefined) throw new EditRefusal(`${file.path}: vrrp_instance ${name} is empty.`)
  const [from] = spanOf(file, first)
  return insertLineAbove(file.text, from, indentAt(file.text, from) + written)
}

function addressEdits({ file, instance }: { file: OpenFile; instance: Instance }, intent: RouterIntent): TextEdit[] {
  if (intent.what === 'router.set') return []
  const list = statementOf(instance.statements, 'virtual_ipaddress')?.block ?? []
  // 2.2.7 takes a quote inside of quotes for their end, whatever stands before it
  if (/["'{}#!\\]/.test(intent.address)) throw new EditRefusal(`${intent.address} is no address: it has quotes or braces.`)
  const words = intent.address.trim().split(/\s+/)
  const known = list.find(({ words: [address] }) => address.value === words[0])
  const last = list.at(-1)
  if (last === undefined) throw new EditRefusal(`${placeOf(instance)}: ${intent.router} has no virtual_ipaddress.`)
  if (intent.what === 'router.addAddress') return known === undefined ? [below(file, last, words.join(' '))] : []
  if (known === undefined) throw new EditRefusal(`${placeOf(instance)}: ${intent.router} has no address ${intent.address}.`)
  if (list.length === 1)
    throw new EditRefusal(
      `${placeOf(instance)}: ${intent.address} is the only address of ${intent.router}, which keepalived wants.`,
    )
  return [removal(file, known)]
}

function below(file: OpenFile, neighbour: Statement, written: string): TextEdit {
  const { text } = file
  const [from, to] = spanOf(file, neighbour)
  if (isAlone(text, from, to, comment)) return insertLineBelow(text, from, indentAt(text, from) + written)
  const indent = /^[ \t]*/.exec(text.slice(lineAround(text, from).from))?.[0] ?? ''
  const end = lineEndNear(text, from)
  return {
    from: to,
    to,
    insert: `${end}${indent}    ${written}${text.slice(to, lineAround(text, to).to).trim() === '' ? '' : end}`,
  }
}

function removal(file: OpenFile, statement: Statement): TextEdit {
  const [from, to] = spanOf(file, statement)
  return isAlone(file.text, from, to, comment) ? removeLines(file.text, from, to) : { from, to, insert: '' }
}

/** A statement without a block stands on one line. */
function spanOf(file: OpenFile, { words, line }: Statement): [number, number] {
  const last = words.at(-1) ?? words[0]
  return [offsetOf(file, line, words[0]), offsetOf(file, line, last) + last.end - last.start]
}

const offsetOf = ({ starts }: OpenFile, line: number, { start }: Word): number => (starts[line - 1] ?? 0) + start

const placeOf = ({ file, line }: Instance): string => `${file}:${line}`
