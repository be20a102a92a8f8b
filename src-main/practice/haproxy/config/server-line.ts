import { serverOptionsFrom, type ServerOption } from '../../../domain/haproxy/config/server-options.ts'
import type { parseLine } from '../../../domain/haproxy/config/parse-line.ts'
import { nearestWord } from '../word-distance.ts'
import type { ServerSettings } from './settings.ts'
import { parseTime, wrongCharacter } from './time.ts'

type Word = ReturnType<typeof parseLine>['words'][number]

/** What is carried out; the rest of the language is refused as unknown. */
const carriedOut = new Set(
  `check no-check inter fastinter downinter rise fall weight maxconn backup no-backup cookie disabled enabled slowstart observe error-limit
  on-error on-marked-down port init-addr agent-check no-agent-check agent-port agent-inter pool-max-conn pool-purge-delay pool-low-conn`.split(
    /\s+/,
  ),
)
/** what `add server` accepts (management guide 2.6, 9.3) */
const dynamicOnly = new Set(
  'check inter fastinter downinter rise fall weight maxconn backup disabled enabled port observe error-limit on-error on-marked-down'.split(
    ' ',
  ),
)

/** A message in HAProxy's words; `alone`: without the server's name before it. */
export class ServerLineError extends Error {
  readonly alone: boolean
  constructor(message: string, alone = false) {
    super(message)
    this.alone = alone
  }
}

interface HostAndPort {
  host: string
  /** 0: none */
  port: number
}

/** `127.0.0.1:80`, `[::1]:80`, `*:80`, `:80`, `ipv4@127.0.0.1:80` */
export function parseHostAndPort(text: string): HostAndPort {
  const bare = text.replace(/^ipv[46]@/, '')
  const colon = bare.startsWith('[') || bare.split(':').length === 2 ? bare.indexOf(':', bare.indexOf(']') + 1) : -1
  const portText = colon === -1 ? '' : bare.slice(colon + 1)
  const stray = /[^0-9]/.exec(portText)?.[0]
  if (stray !== undefined) throw new ServerLineError(`invalid character '${stray}' in port number '${portText}' in '${text}'`)
  if (Number(portText) > 65_535) throw new ServerLineError(`invalid port '${portText}'`)
  const host = (colon === -1 ? bare : bare.slice(0, colon)).replace(/^\[|\]$/g, '')
  return { host, port: Number(portText) }
}

/** @param words of the whole line, or of `add server be/name address …` with the name put in place */
export function parseServerLine(
  words: readonly Word[],
  inherited: readonly ServerOption[],
  dynamic = false,
): { settings: ServerSettings; host: string } {
  const [, name = '', addressWord] = words.map(({ value }) => value)
  const stray = /[^A-Za-z0-9_.:-]/.exec(name)?.[0]
  if (addressWord === undefined) throw new ServerLineError("'server' expects <name> and <addr>[:<port>] as arguments.", true)
  if (stray !== undefined) throw new ServerLineError(`character '${stray}' is not permitted in server name '${name}'.`, true)
  const { host, port } = parseHostAndPort(addressWord)
  const own = serverOptionsFrom(words, 3)
  checkWords(own.options, own.unknown, dynamic)
  const options = new Map([...inherited, ...own.options].map((option) => [option.name, option]))
  return { settings: settingsFrom(name, { host, port }, options), host }
}

export function checkWords(options: readonly ServerOption[], unknown: readonly ServerOption[], dynamic = false): void {
  const accepted = dynamic ? dynamicOnly : carriedOut
  const refused = [...options, ...unknown].sort((a, b) => a.from - b.from).find(({ name }) => !accepted.has(name))
  if (refused === undefined) return
  if (dynamic && carriedOut.has(refused.name))
    throw new ServerLineError(`'${refused.name}' option is not accepted for dynamic server`)
  const near = nearestWord(refused.name, accepted)
  throw new ServerLineError(`unknown keyword '${refused.name}'${near === null ? '.' : `; did you mean '${near}' maybe ?`}`)
}

function settingsFrom(name: string, { host, port }: HostAndPort, options: ReadonlyMap<string, ServerOption>): ServerSettings {
  const value = (option: string): string | null => options.get(option)?.values[0] ?? null
  /** a word that is no number counts as 0, as atol(3) says */
  const number = (option: string, fallback: number): number => {
    if (!options.has(option)) return fallback
    const found = Number.parseInt(value(option) ?? '', 10)
    return Number.isNaN(found) ? 0 : found
  }
  const time = (option: string): number | null => {
    const text = value(option)
    if (text === null) return null
    const ms = parseTime(text)
    if (ms === null) {
      const named = option === 'inter' ? 'agent-inter' : option
      throw new ServerLineError(`unexpected character '${wrongCharacter(text)}' in '${named}' argument of server ${name}..`)
    }
    return ms
  }
  const intervalMs = time('inter') ?? 2000
  const weight = number('weight', 1)
  if (weight < 0 || weight > 256) throw new ServerLineError(`weight of server ${name} is not within 0 and 256 (${weight})..`)
  for (const option of ['rise', 'fall']) if (number(option, 1) <= 0) throw new ServerLineError(`'${option}' has to be > 0..`)
  if (options.has('cookie') && value('cookie') === null) throw new ServerLineError("'cookie' expects <value> as argument..")
  if (isOn(options, 'agent-check') && number('agent-port', 0) === 0)
    throw new ServerLineError(`server ${name} does not have agent port. Agent check has been disabled..`)
  const onError = value('on-error')
  if (onError !== null && !['fastinter', 'fail-check', 'sudden-death', 'mark-down'].includes(onError))
    throw new ServerLineError(
      `'on-error' expects one of 'fastinter', 'fail-check', 'sudden-death' or 'mark-down' but got '${onError}'.`,
    )
  const layer = value('observe')
  if (layer !== null && layer !== 'layer4' && layer !== 'layer7')
    throw new ServerLineError(`'observe' expects one of 'none', 'layer4', 'layer7' but got '${layer}'.`)
  return {
    name,
    address: host === '' || host === '*' ? '0.0.0.0' : host,
    port,
    weight,
    maxconn: number('maxconn', 0) || null,
    backup: isOn(options, 'backup'),
    disabled: options.has('disabled') && lastOf(options, 'disabled', 'enabled') === 'disabled',
    cookie: value('cookie'),
    slowStartMs: time('slowstart') ?? 0,
    cutWhenDown: value('on-marked-down') === 'shutdown-sessions',
    rise: number('rise', 2),
    fall: number('fall', 3),
    check: !isOn(options, 'check')
      ? null
      : {
          intervalMs,
          fastIntervalMs: time('fastinter'),
          downIntervalMs: time('downinter'),
          port: number('port', 0) || null,
        },
    agent: !isOn(options, 'agent-check')
      ? null
      : { port: number('agent-port', 0), intervalMs: time('agent-inter') ?? intervalMs },
    observe: layer === null ? null : { layer, errorLimit: number('error-limit', 10) },
  }
}

const isOn = (options: ReadonlyMap<string, ServerOption>, name: string): boolean =>
  options.has(name) && lastOf(options, name, `no-${name}`) === name

/** The one that was written last; options keep the order in which they were first written. */
function lastOf(options: ReadonlyMap<string, ServerOption>, one: string, other: string): string | null {
  return [...options.keys()].filter((name) => name === one || name === other).at(-1) ?? null
}
