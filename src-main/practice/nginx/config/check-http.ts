import { networkFrom, once, sizeBytes } from './values.ts'
import { ConfigError, type Check } from './statement.ts'

const modifiers = ['=', '^~', '~', '~*']

export const location: Check = (statement, { before, around }) => {
  const [first = '', second] = statement.args
  const [modifier, path] = second === undefined ? ['', first] : [first, second]
  if (modifier !== '' && !modifiers.includes(modifier))
    throw new ConfigError(`invalid location modifier "${modifier}"`, statement)
  if (modifier.startsWith('~')) return void checkPattern(path, statement)
  const outer = around[0]?.statement
  if (outer?.name === 'location' && !path.startsWith(outer.args.at(-1) ?? ''))
    throw new ConfigError(`location "${path}" is outside location "${outer.args.at(-1)}"`, statement)
  const isExact = modifier === '='
  const same = before.some(
    ({ name, args }) =>
      name === 'location' && args.at(-1) === path && !args[0]?.startsWith('~') && (args[0] === '=') === isExact,
  )
  if (same) throw new ConfigError(`duplicate location "${path}"`, statement)
}

/** Its syntax is JavaScript's here, which agrees with PCRE on what locations use. */
export function checkPattern(source: string, statement: Parameters<Check>[0]): void {
  try {
    new RegExp(source)
  } catch {
    const reason = /\([^)]*$/.test(source) ? 'missing closing parenthesis' : 'quantifier does not follow a repeatable item'
    throw new ConfigError(`pcre2_compile() failed: ${reason} in "${source}"`, statement)
  }
}

export const proxyPass: Check = (statement, scope) => {
  once(statement, scope)
  const [written = ''] = statement.args
  const block = scope.around[0]?.statement
  if (block?.name !== 'location') return
  if (written.includes('$')) return
  if (!written.startsWith('http://')) throw new ConfigError('invalid URL prefix', statement)
  if (block.args[0]?.startsWith('~') === true && /^http:\/\/[^/]*\//.test(written))
    throw new ConfigError(
      '"proxy_pass" cannot have URI part in location given by regular expression, or inside named location, or inside "if" statement, or inside "limit_except" block',
      statement,
    )
}

export const returnCode: Check = (statement) => {
  const [code = ''] = statement.args
  if (statement.args.length === 1 && /^(https?:\/\/|\$)/.test(code)) return
  if (!/^\d+$/.test(code) || Number(code) > 999) throw new ConfigError(`invalid return code "${code}"`, statement)
}

export const allowOrDeny: Check = (statement) => {
  const [network = ''] = statement.args
  if (network !== 'all' && networkFrom(network) === null) throw new ConfigError(`invalid parameter "${network}"`, statement)
}

export const limitReqZone: Check = (statement, { before }) => {
  const [key, ...parameters] = statement.args
  for (const parameter of parameters) {
    const [, name, size] = /^zone=([^:]+):(.*)$/.exec(parameter) ?? []
    if (name !== undefined) {
      const bytes = sizeBytes(size ?? '')
      if (bytes === null) throw new ConfigError(`invalid zone size "${parameter}"`, statement)
      if (bytes < 32_768) throw new ConfigError(`zone "${name}" is too small`, statement)
      if (before.some((other) => other.name === 'limit_req_zone' && other.args.some((arg) => arg.startsWith(`zone=${name}:`))))
        throw new ConfigError(`limit_req_zone "${name}" is already bound to key "${key}"`, statement)
    } else if (parameter.startsWith('rate=')) {
      if (!/^rate=[1-9]\d*r\/[sm]$/.test(parameter)) throw new ConfigError(`invalid rate "${parameter}"`, statement)
    } else throw new ConfigError(`invalid parameter "${parameter}"`, statement)
  }
}

export const limitReq: Check = (statement, { before }) => {
  const zone = statement.args.find((parameter) => parameter.startsWith('zone='))
  for (const parameter of statement.args) {
    if (parameter.startsWith('burst=') && !/^burst=[1-9]\d*$/.test(parameter))
      throw new ConfigError(`invalid burst value "${parameter}"`, statement)
    if (!/^(zone=.+|burst=.*|nodelay)$/.test(parameter)) throw new ConfigError(`invalid parameter "${parameter}"`, statement)
  }
  if (zone === undefined) throw new ConfigError('"limit_req" must have "zone" parameter', statement)
  if (before.some(({ name, args }) => name === 'limit_req' && args.includes(zone)))
    throw new ConfigError('"limit_req" directive is duplicate', statement)
}

export const limitStatus: Check = (statement, scope) => {
  once(statement, scope)
  const [code = ''] = statement.args
  if (!/^\d+$/.test(code)) throw new ConfigError('"limit_req_status" directive invalid number', statement)
  if (Number(code) < 400 || Number(code) > 599) throw new ConfigError('value must be between 400 and 599', statement)
}

export const addHeader: Check = (statement) => {
  const [, , always = 'always'] = statement.args
  if (always !== 'always') throw new ConfigError(`invalid parameter "${always}"`, statement)
}

export const serverName: Check = (statement) => {
  for (const name of statement.args) {
    if (name === '*') throw new ConfigError('server name "*" is invalid', statement)
    if (name.startsWith('~')) checkPattern(name.slice(1), statement)
  }
}

/** What delays the writing cannot be seen; conditions and compression are not carried out. */
export const accessLog: Check = (statement) => {
  const [path, ...rest] = statement.args
  const wrong = rest.find((word, at) => path === 'off' || (at > 0 && !/^(buffer|flush)=/.test(word)))
  if (wrong !== undefined) throw new ConfigError(`invalid parameter "${wrong}"`, statement)
}

export const logFormat: Check = (statement) => {
  const escape = statement.args[1]?.startsWith('escape=') === true ? statement.args[1].slice('escape='.length) : 'default'
  if (escape !== 'default') throw new ConfigError(`unknown log format escaping "${escape}"`, statement)
}
