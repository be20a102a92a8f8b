import { logLevels, type LogLevel } from './check-main.ts'
import { inherited, type Levels } from './levels.ts'
import { ConfigError, type Statement } from './statement.ts'
import { textOf, type Maps, type Text } from './text.ts'

export interface LogTarget {
  /** absolute; or `stderr`, which leads nowhere once nginx is a daemon */
  readonly path: string
  /** the least urgent that is written */
  readonly level: LogLevel
}

export interface AccessLog {
  readonly path: string
  readonly format: Text
  /** `access_log off` stands beside it: it is made, and nothing is written */
  readonly isOff: boolean
}

const isLevel = (word: string | undefined): word is LogLevel => logLevels.some((level) => level === word)
const absolute = (path: string, prefix: string): string => (path.startsWith('/') ? path : prefix + path)

export function errorLogsOf(levels: Levels, prefix: string): LogTarget[] {
  return inherited(levels, 'error_log').map(({ args: [path = '', level] }) => ({
    path: path === 'stderr' ? path : absolute(path, prefix),
    level: isLevel(level) ? level : 'error',
  }))
}

const combined =
  '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent"'

/** An empty value is logged as `-`. */
function formatOf(written: string, maps: Maps): Text {
  const parts = written.split(/(\$(?:\{\w+\}|\w+))/).map((part) => {
    const text = textOf(part, maps)
    return part.startsWith('$') ? (at: Parameters<Text>[0]) => escaped(text(at)) || '-' : text
  })
  return (at) => parts.map((part) => part(at)).join('')
}

/** Quotes, backslashes and what cannot be printed, so that one request is one line. */
const escaped = (value: string): string =>
  value.replace(/["\\\x00-\x1f\x7f-\u{10ffff}]/gu, (letter) =>
    [...Buffer.from(letter)].map((byte) => `\\x${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  )

export function readLogFormats(statements: readonly Statement[], maps: Maps): Map<string, Text> {
  const formats = new Map([['combined', formatOf(combined, maps)]])
  for (const statement of statements) {
    const [name = '', ...parts] = statement.args
    if (formats.has(name)) throw new ConfigError(`duplicate "log_format" name "${name}"`, statement)
    formats.set(name, formatOf(parts.filter((part) => !part.startsWith('escape=')).join(''), maps))
  }
  return formats
}

const defaultAccessLog = '/var/log/nginx/access.log'

export function accessLogsOf(levels: Levels, prefix: string, formats: ReadonlyMap<string, Text>): AccessLog[] {
  const statements = inherited(levels, 'access_log')
  const written =
    statements.length === 0
      ? [{ path: defaultAccessLog, name: 'combined', statement: null }]
      : statements.map((statement) => ({ path: statement.args[0] ?? '', name: statement.args[1] ?? 'combined', statement }))
  return written.flatMap(({ path, name, statement }) => {
    if (path === 'off') return []
    const format = formats.get(name)
    if (format === undefined) throw new ConfigError(`unknown log format "${name}"`, statement)
    return [{ path: absolute(path, prefix), format, isOff: statements.some(({ args }) => args[0] === 'off') }]
  })
}
