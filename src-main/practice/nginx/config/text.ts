import type { RequestView } from './request-view.ts'
import { ConfigError, type Statement } from './statement.ts'
import { timeMs } from './values.ts'
import { variableNamed, type Variable } from './variables.ts'

/** What a text with variables says of a request. */
export type Text = (at: RequestView) => string

/** Variables that the configuration makes itself. */
export type Maps = ReadonlyMap<string, Variable>

/** Throws ConfigError for a variable that there is not. */
export function textOf(written: string, maps: Maps): Text {
  const parts = written.split(/\$(?:\{(\w+)\}|(\w+))/)
  const made: Text[] = []
  for (let at = 0; at < parts.length; at += 3) {
    const literal = parts[at] ?? ''
    if (literal !== '') made.push(() => literal)
    const name = parts[at + 1] ?? parts[at + 2]
    if (name !== undefined) made.push(lookUp(name, maps))
  }
  return (moment) => made.map((part) => part(moment)).join('')
}

function lookUp(name: string, maps: Maps): Text {
  const found = maps.get(name) ?? variableNamed(name)
  if (found === null) throw new ConfigError(`unknown "${name}" variable`)
  return found
}

/** The `map` blocks, each of which makes a variable. */
export function readMaps(blocks: readonly Statement[]): Maps {
  const maps = new Map<string, Variable>()
  const pending: (() => void)[] = []
  for (const block of blocks) {
    const [source = '', target = ''] = block.args
    if (!target.startsWith('$')) throw new ConfigError(`invalid variable name "${target}"`, block)
    let variable: Variable = () => ''
    maps.set(target.slice(1), (at) => variable(at))
    // A map may use one that comes later.
    pending.push(() => {
      variable = mapVariable(textOf(source, maps), block.block ?? [], maps)
    })
  }
  for (const build of pending) build()
  return maps
}

function mapVariable(source: Text, entries: readonly Statement[], maps: Maps): Variable {
  const exact = new Map<string, Text>()
  const patterns: { pattern: RegExp; value: Text }[] = []
  let fallback: Text = () => ''
  for (const { name, args } of entries) {
    if (name === 'volatile') continue
    const value = textOf(args[0] ?? '', maps)
    if (name === 'default') fallback = value
    else if (name.startsWith('~')) patterns.push({ pattern: patternOf(name), value })
    else exact.set(name.replace(/^\\/, '').toLowerCase(), value)
  }
  return (at) => {
    const said = source(at)
    const found = exact.get(said.toLowerCase()) ?? patterns.find(({ pattern }) => pattern.test(said))?.value ?? fallback
    return found(at)
  }
}

/** `~source` or `~*source`, as maps, server names and locations write it. */
export const patternOf = (written: string): RegExp =>
  written.startsWith('~*') ? new RegExp(written.slice(2), 'i') : new RegExp(written.slice(1))

/** A time that the check has let through. */
export const timeOf = (written: string | undefined, otherwiseMs: number): number =>
  written === undefined ? otherwiseMs : (timeMs(written) ?? otherwiseMs)
