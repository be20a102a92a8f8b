import { flag, once } from './values.ts'
import { ConfigError, type Check } from './statement.ts'

export const user: Check = (statement, scope) => {
  once(statement, scope)
  const { machine, uid, warn } = scope.reading
  if (uid !== 0) {
    warn('the "user" directive makes sense only if the master process runs with super-user privileges, ignored', statement)
    return
  }
  const [name = '', group = name] = statement.args
  const has = (path: string, entry: string): boolean => machine.files.read(path).toString('utf8').split('\n').some((line) => line.startsWith(`${entry}:`)) // prettier-ignore
  if (!has('/etc/passwd', name)) throw new ConfigError(`getpwnam("${name}") failed`, statement)
  if (!has('/etc/group', group)) throw new ConfigError(`getgrnam("${group}") failed`, statement)
}

export const workerProcesses: Check = (statement, scope) => {
  once(statement, scope)
  if (!/^(auto|\d+)$/.test(statement.args[0] ?? ''))
    throw new ConfigError('"worker_processes" directive invalid value', statement)
}

export const workerConnections: Check = (statement, scope) => {
  once(statement, scope)
  if (!/^\d+$/.test(statement.args[0] ?? '')) throw new ConfigError(`invalid number "${statement.args[0]}"`, statement)
}

/** Without a terminal to hold there is no foreground. */
export const onlyOn: Check = (statement, scope) => {
  flag(statement, scope)
  if (statement.args[0]?.toLowerCase() === 'off')
    throw new ConfigError(`"${statement.name}" cannot be "off" on a practice machine`, statement)
}

/** most urgent first */
export const logLevels = ['emerg', 'alert', 'crit', 'error', 'warn', 'notice', 'info', 'debug'] as const
export type LogLevel = (typeof logLevels)[number]

export const errorLog: Check = (statement) => {
  for (const level of statement.args.slice(1))
    if (!logLevels.includes(level as LogLevel)) throw new ConfigError(`invalid log level "${level}"`, statement)
}

/** Only the stream module can be installed here; its file need not exist. */
export const loadModule: Check = (statement, { reading, before }) => {
  const [path = ''] = statement.args
  if (before.some(({ name }) => ['events', 'http', 'stream'].includes(name)))
    throw new ConfigError('"load_module" directive is specified too late', statement)
  const full = path.startsWith('/') ? path : `/usr/share/nginx/${path}`
  if (!/^\/usr\/(lib|share)\/nginx\/modules\/ngx_stream_module\.so$/.test(full))
    throw new ConfigError(
      `dlopen() "${full}" failed (${full}: cannot open shared object file: No such file or directory)`,
      statement,
    )
  if (reading.modules.has('stream')) throw new ConfigError('module "ngx_stream_module" is already loaded', statement)
  reading.modules.add('stream')
}
