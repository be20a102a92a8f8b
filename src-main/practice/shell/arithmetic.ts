/** Variables, as far as `$(( ))` touches them. */
export interface ArithmeticVariables {
  get(name: string): string
  set(name: string, value: string): void
}

export class ArithmeticError extends Error {
  constructor(message: string) {
    super(`arithmetic expression: ${message}`)
    this.name = 'ArithmeticError'
  }
}

const token =
  /\s*(?:(0[xX][0-9a-fA-F]+|\d+)|([A-Za-z_]\w*)|(<<=|>>=|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%&|^]=|[-+*/%&|^~!<>=?:()]))/y
const levels = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!='],
  ['<', '<=', '>', '>='],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
]

/** 64-bit integers, as dash has them. Throws ArithmeticError. */
export function evaluateArithmetic(text: string, variables: ArithmeticVariables): bigint {
  const tokens = tokenize(text)
  let at = 0
  const take = (wanted: string): boolean => {
    if (tokens[at] !== wanted) return false
    at += 1
    return true
  }
  const expect = (wanted: string): void => {
    if (!take(wanted)) throw new ArithmeticError(`expecting '${wanted}': "${text}"`)
  }
  const assignment = (): bigint => {
    const [name = '', sign = ''] = tokens.slice(at, at + 2)
    if (!/^[A-Za-z_]/.test(name) || !/^(?:[-+*/%&|^]|<<|>>)?=$/.test(sign)) return conditional()
    at += 2
    const right = assignment()
    const value = sign === '=' ? right : apply(sign.slice(0, -1), numberOf(variables.get(name)), right)
    variables.set(name, String(value))
    return value
  }
  const conditional = (): bigint => {
    const condition = binary(0)
    if (!take('?')) return condition
    const yes = assignment()
    expect(':')
    const no = conditional()
    return condition === 0n ? no : yes
  }
  const binary = (level: number): bigint => {
    const signs = levels[level]
    if (signs === undefined) return unary()
    let left = binary(level + 1)
    for (let sign = tokens[at]; sign !== undefined && signs.includes(sign); sign = tokens[at]) {
      at += 1
      left = apply(sign, left, binary(level + 1))
    }
    return left
  }
  const unary = (): bigint => {
    if (take('-')) return BigInt.asIntN(64, -unary())
    if (take('+')) return unary()
    if (take('~')) return ~unary()
    if (take('!')) return unary() === 0n ? 1n : 0n
    if (take('(')) {
      const value = assignment()
      expect(')')
      return value
    }
    const next = tokens[at]
    if (next === undefined || !/^\w/.test(next)) throw new ArithmeticError(`expecting primary: "${text}"`)
    at += 1
    return /^\d/.test(next) ? literal(next) : numberOf(variables.get(next))
  }
  if (tokens.length === 0) return 0n
  const value = assignment()
  if (at < tokens.length) throw new ArithmeticError(`expecting EOF: "${text}"`)
  return value
}

function tokenize(text: string): string[] {
  const tokens: string[] = []
  token.lastIndex = 0
  const end = text.trimEnd().length
  while (token.lastIndex < end) {
    const found = token.exec(text)
    if (found === null) throw new ArithmeticError(`expecting EOF: "${text}"`)
    tokens.push(found[0].trim())
  }
  return tokens
}

const literal = (text: string): bigint => BigInt.asIntN(64, BigInt(/^0[0-7]+$/.test(text) ? `0o${text.slice(1)}` : text))

function numberOf(text: string): bigint {
  const trimmed = text.trim()
  if (trimmed === '') return 0n
  const digits = trimmed.replace(/^[-+]/, '')
  if (!/^(?:0[xX][0-9a-fA-F]+|\d+)$/.test(digits)) throw new ArithmeticError(`Illegal number: ${text}`)
  return trimmed.startsWith('-') ? -literal(digits) : literal(digits)
}

function apply(sign: string, left: bigint, right: bigint): bigint {
  const truth = (holds: boolean): bigint => (holds ? 1n : 0n)
  if ((sign === '/' || sign === '%') && right === 0n) throw new ArithmeticError('division by zero')
  const results: Record<string, () => bigint> = {
    '||': () => truth(left !== 0n || right !== 0n),
    '&&': () => truth(left !== 0n && right !== 0n),
    '|': () => left | right,
    '^': () => left ^ right,
    '&': () => left & right,
    '==': () => truth(left === right),
    '!=': () => truth(left !== right),
    '<': () => truth(left < right),
    '<=': () => truth(left <= right),
    '>': () => truth(left > right),
    '>=': () => truth(left >= right),
    '<<': () => left << (right & 63n),
    '>>': () => left >> (right & 63n),
    '+': () => left + right,
    '-': () => left - right,
    '*': () => left * right,
    '/': () => left / right,
    '%': () => left % right,
  }
  return BigInt.asIntN(64, results[sign]?.() ?? 0n)
}
