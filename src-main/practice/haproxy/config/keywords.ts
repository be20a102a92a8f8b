/*
 * The lines a practice HAProxy knows, each with what is checked of it in the daemon's own words (2.6.12). A keyword that stands here is
 * carried out, or changes nothing that can be seen from outside (logging, TLS defaults, tuning); any other is refused as unknown.
 */
import { unixPath } from '../../../domain/haproxy/command-line.ts'
import { parseSize, parseTime, wrongCharacter } from './time.ts'
import { timeoutNames } from './settings.ts'

/** Null: the line is well. A text beginning with `:` follows the place without a blank before it. */
type LineCheck = (words: readonly string[], context: LineContext) => string | null

export interface LineContext {
  userId(name: string): number | null
  groupId(name: string): number | null
}

const fine: LineCheck = () => null

const time =
  (what: string, unit: 's' | 'ms' = 'ms'): LineCheck =>
  ([, text = '']) =>
    parseTime(text, unit) === null ? `unexpected character '${wrongCharacter(text)}' in argument to <${what}>.\n` : null

const harmlessGlobal =
  `daemon master-worker chroot pidfile log log-send-hostname log-tag description node maxconn ulimit-n localpeer cpu-map
  spread-checks ca-base crt-base server-state-file server-state-base no-memory-trimming strict-limits numa-cpu-mapping set-dumpable
  ssl-default-bind-ciphers ssl-default-bind-ciphersuites ssl-default-bind-options ssl-default-server-ciphers
  ssl-default-server-ciphersuites ssl-default-server-options ssl-dh-param-file tune.bufsize tune.maxrewrite tune.ssl.default-dh-param
  tune.ssl.cachesize unix-bind`.split(/\s+/)

export const globalKeywords: ReadonlyMap<string, LineCheck> = new Map<string, LineCheck>([
  ...harmlessGlobal.map((word): [string, LineCheck] => [word, fine]),
  ['log', (words) => (words.length < 3 ? 'log : expects <address> and <facility>  as arguments' : null)],
  ['user', ([, name = ''], { userId }) => (userId(name) === null ? `cannot find user id for '${name}' (0:Success)` : null)],
  ['group', ([, name = ''], { groupId }) => (groupId(name) === null ? `cannot find group id for '${name}' (0:Success)` : null)],
  ['uid', fine],
  ['gid', fine],
  [
    'nbthread',
    ([, text = '']) =>
      Number(text) >= 1 && Number(text) <= 64
        ? null
        : `'nbthread' value must be between 1 and 64 (was ${Number.parseInt(text, 10) || 0})`,
  ],
  ['hard-stop-after', time('hard-stop-after')],
  ['stats', statsCheck],
])

const bindOptions = new Set(['mode', 'user', 'group', 'uid', 'gid', 'level', 'expose-fd', 'backlog', 'name'])

function statsCheck(words: readonly string[]): string | null {
  const [, what, value = ''] = words
  if (what === 'timeout') {
    return parseTime(value) === null ? `unexpected character '${wrongCharacter(value)}' in argument to <stats timeout>.` : null
  }
  if (what === 'maxconn') return null
  if (what !== 'socket') return `'stats' only supports 'socket', 'maxconn', 'bind-process' and 'timeout' (got '${what ?? ''}')`
  // A runtime API over TCP would be a second way into the machine; it is not offered here.
  if (value !== '' && unixPath(value) === null) return `'stats socket' : unknown keyword '${value}'.`
  if (value === '') return "'stats socket' in global section expects an address or a path to a UNIX socket"
  for (let at = 3; at < words.length; at += 2) {
    const [option = '', argument = ''] = words.slice(at, at + 2)
    if (!bindOptions.has(option)) return `'stats socket' : unknown keyword '${option}'.`
    if (option === 'level' && !['user', 'operator', 'admin'].includes(argument))
      return `'stats socket' : ''level' only supports 'user', 'operator', and 'admin' (got '${argument}')'`
  }
  return null
}

const balanceWords = ['roundrobin', 'static-rr', 'leastconn', 'random', 'source', 'uri']
const balanceMessage =
  "balance only supports 'roundrobin', 'static-rr', 'leastconn', 'source', 'uri', 'url_param', 'hdr(name)' and 'rdp-cookie(name)' options."

const options = new Set(
  `httplog tcplog dontlognull dontlog-normal log-health-checks log-separate-errors httpchk tcp-check redispatch forwardfor allbackups
  http-keep-alive abortonclose clitcpka srvtcpka tcpka http-ignore-probes nolinger splice-auto contstats
  socket-stats independent-streams tcp-smart-accept tcp-smart-connect`.split(/\s+/),
)

/** Lines of `defaults`, `frontend`, `backend` and `listen` that are not read elsewhere. */
export const proxyKeywords: ReadonlyMap<string, LineCheck> = new Map<string, LineCheck>([
  ...['description', 'disabled', 'enabled', 'log', 'log-tag', 'log-format', 'maxconn', 'fullconn', 'retries', 'backlog'].map(
    (word): [string, LineCheck] => [word, fine],
  ),
  ['mode', ([, mode = '']) => (mode === 'http' || mode === 'tcp' ? null : `unknown proxy mode '${mode}'.`)],
  [
    'balance',
    ([, word = 'roundrobin']) => (balanceWords.includes(word) || /^(random|hdr)\(.+\)$/.test(word) ? null : balanceMessage),
  ],
  [
    'hash-type',
    ([, kind = '']) =>
      kind === 'consistent' || kind === 'map-based' ? null : "'hash-type' only supports 'consistent' and 'map-based'.",
  ],
  ['timeout', timeoutCheck],
  [
    'option',
    ([, option]) =>
      option === undefined ? ":'option' expects an option name." : options.has(option) ? null : `unknown option '${option}'.`,
  ],
  ['no', ([, what, option = '']) => (what === 'option' && options.has(option) ? null : `unknown option '${option}'.`)],
  ['cookie', cookieCheck],
  ['stick-table', tableCheck],
  [
    'stick',
    ([, what, fetch = '']) =>
      what !== 'on'
        ? "'stick' expects 'on', 'match', or 'store-request'"
        : fetch === 'src'
          ? null
          : `'stick': unknown fetch method '${fetch}'`,
  ],
  [
    'load-server-state-from-file',
    ([, from = '']) =>
      ['global', 'none'].includes(from)
        ? null
        : `'load-server-state-from-file' expects 'global', 'local' or 'none'. Got '${from}'`,
  ],
  ['default_backend', (words) => (words.length < 2 ? "'default_backend' expects a backend name." : null)],
  ['http-check', httpCheckCheck],
])

function timeoutCheck([, name = '', text]: readonly string[]): string | null {
  if (!timeoutNames.some((known) => known === name))
    return `'timeout' supports 'client', 'server', 'connect', 'check', 'queue', 'http-keep-alive', 'http-request', 'tunnel', 'tarpit', 'client-fin' and 'server-fin' (got '${name}')`
  if (text === undefined) return `'timeout ${name}' expects an integer value (in milliseconds)`
  return parseTime(text) === null ? `unexpected character '${wrongCharacter(text)}' in 'timeout ${name}'` : null
}

/** The daemon knows more; these are what a practice balancer carries out. */
const cookieWords = new Set(['insert', 'prefix', 'indirect', 'nocache'])

function cookieCheck([, name, ...words]: readonly string[]): string | null {
  if (name === undefined) return "'cookie' expects <cookie_name> as argument."
  const carriedOut = words.every((word) => cookieWords.has(word)) && (words.includes('insert') || words.includes('prefix'))
  return carriedOut ? null : "'cookie' supports 'insert', 'prefix', 'indirect' and 'nocache' options."
}

const tableWords = new Set(['type', 'size', 'expire', 'store'])

function tableCheck(words: readonly string[]): string | null {
  const value = (name: string): string | undefined => (words.includes(name) ? words[words.indexOf(name) + 1] : undefined)
  const type = value('type') ?? ''
  if (type !== 'ip' && type !== 'ipv6') return `stick-table: unknown type '${type}'.`
  const stray = words.slice(1).find((word, index) => index % 2 === 0 && !tableWords.has(word))
  if (stray !== undefined) return `stick-table: unknown argument '${stray}'.`
  if (parseSize(value('size') ?? '') === null) return 'stick-table: missing size.'
  const store = value('store')
  if (store !== undefined && !/^http_req_rate\(\d+\w*\)$/.test(store)) return `stick-table: unknown store options '${store}'.`
  return null
}

/** Of a format that says what one header of the answer says: its name. */
export const headerIn = (format: string): string | null => /^%\[res\.hdr\(([\w-]+)\)\]$/.exec(format)?.[1] ?? null

function httpCheckCheck([, what = '', ...rest]: readonly string[]): string | null {
  if (what === 'send' && /^(meth|uri|ver|hdr)$/.test(rest[0] ?? '')) return null
  if (what === 'expect' && rest[0] === 'status' && /^\d{3}(-\d{3})?(,\d{3}(-\d{3})?)*$/.test(rest[1] ?? '')) {
    if (rest.length === 2 || (rest.length === 4 && rest[2] === 'on-success' && headerIn(rest[3] ?? '') !== null)) return null
    return "'http-check expect status' only supports 'on-success %[res.hdr(<name>)]' here."
  }
  return `'http-check' only supports 'send' and 'expect status' here (got '${[what, rest[0] ?? ''].join(' ').trim()}').`
}
