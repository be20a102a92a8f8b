import type { OutgoingHttpHeaders } from 'node:http'
import { ConditionError, compileCondition, compileFetch, type AclTable, type FactsWithRate } from './condition.ts'
import type { RequestRule, RuleAnswer } from './settings.ts'

/** What one `http-request` or `http-response` line does. */
export interface CompiledRule {
  readonly decide: RequestRule | null
  readonly edit: ((headers: OutgoingHttpHeaders, facts: FactsWithRate) => void) | null
  /** the line counts requests in this table; '' is the proxy's own */
  readonly tracks: string | null
}

/** an action that is not carried out here, or that nobody knows */
export class UnknownAction extends Error {}

export const requestActions = ['set-header', 'add-header', 'del-header', 'deny', 'return', 'redirect', 'track-sc0'] as const
export const responseActions = ['set-header', 'add-header', 'del-header'] as const

/** Literal text with `%[fetch]`, `%ci` and `%cp`. */
function compileFormat(text: string): (facts: FactsWithRate) => string {
  const pieces = text.split(/(%\[[^\]]*\]|%ci\b|%cp\b)/)
  const compiled = pieces.map((piece): ((facts: FactsWithRate) => string) => {
    if (piece === '%ci') return ({ session }) => session.source.address
    if (piece === '%cp') return ({ session }) => String(session.source.port)
    return piece.startsWith('%[') ? compileFetch(piece.slice(2, -1)) : () => piece.replaceAll('%%', '%')
  })
  return (facts) => compiled.map((piece) => piece(facts)).join('')
}

/** Throws ConditionError, UnknownAction. */
export function compileRule(words: readonly string[], acls: AclTable): CompiledRule {
  const [action = '', ...rest] = words
  const at = rest.findIndex((word) => word === 'if' || word === 'unless')
  const args = at === -1 ? rest : rest.slice(0, at)
  const met = compileCondition(at === -1 ? [] : rest.slice(at), acls) ?? (() => true)
  const none = { decide: null, edit: null, tracks: null }
  const header = (args[0] ?? '').toLowerCase()
  switch (action) {
    case 'set-header':
    case 'add-header': {
      if (args.length !== 2) throw new ConditionError('expects exactly 2 arguments')
      const value = compileFormat(args[1] ?? '')
      return {
        ...none,
        edit(headers, facts) {
          if (!met(facts)) return
          const before = action === 'add-header' ? [headers[header] ?? []].flat().map(String) : []
          headers[header] = before.length === 0 ? value(facts) : [...before, value(facts)]
        },
      }
    }
    case 'del-header':
      return {
        ...none,
        edit(headers, facts) {
          if (met(facts)) delete headers[header]
        },
      }
    case 'deny':
    case 'return': {
      const answer = answerFrom(args, action === 'deny' ? 403 : 200, action === 'deny')
      return { ...none, decide: (facts) => (met(facts) ? answer(facts) : null) }
    }
    case 'redirect': {
      const answer = redirectFrom(args)
      return { ...none, decide: (facts) => (met(facts) ? answer(facts) : null) }
    }
    case 'track-sc0': {
      if (args[0] !== 'src') throw new ConditionError(`unknown fetch method '${args[0] ?? ''}'`)
      if (at !== -1) throw new ConditionError("'track-sc0' counts every request here, without a condition.")
      return { ...none, tracks: args[1] === 'table' ? (args[2] ?? '') : '' }
    }
    default:
      throw new UnknownAction(action)
  }
}

function answerFrom(args: readonly string[], normal: number, denied: boolean): (facts: FactsWithRate) => RuleAnswer {
  let status = normal
  let type: string | null = null
  let body: ((facts: FactsWithRate) => string) | null = null
  for (let at = 0; at < args.length; at += 2) {
    const [option = '', value = ''] = args.slice(at, at + 2)
    if (option === 'deny_status' || option === 'status') status = Number(value)
    else if (option === 'content-type') type = value
    else if (option === 'string') body = () => value
    else if (option === 'lf-string') body = compileFormat(value)
    else throw new ConditionError(`unexpected argument '${option}'`)
  }
  if (!Number.isInteger(status) || status < 200 || status > 599) throw new ConditionError('status code should be in 200..599')
  return (facts) => ({
    status,
    headers: type === null ? {} : { 'content-type': type },
    body: body?.(facts) ?? (denied ? null : ''),
  })
}

function redirectFrom(args: readonly string[]): (facts: FactsWithRate) => RuleAnswer {
  const [how = '', target = '', ...rest] = args
  const code = rest[0] === 'code' ? Number(rest[1]) : 302
  const to = compileFormat(target)
  if (how !== 'location' && how !== 'prefix' && how !== 'scheme')
    throw new ConditionError(
      `expects 'code', 'prefix', 'location', 'scheme', 'set-cookie', 'clear-cookie', 'drop-query', 'ignore-empty' or 'append-slash' (was '${how}')`,
    )
  return (facts) => {
    const url = facts.request.url ?? '/'
    const host = facts.request.headers.host ?? ''
    const location = how === 'location' ? to(facts) : how === 'prefix' ? to(facts) + url : `${to(facts)}://${host}${url}`
    return { status: code, headers: { location, 'cache-control': 'no-cache' }, body: '' }
  }
}
