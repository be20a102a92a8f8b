import type { ConfigTree, TreeDirective } from '../nginx/config-tree.ts'
import type { Rule, Spot } from './finding.ts'

export interface NginxConfig {
  readonly trees: readonly ConfigTree[]
}

interface Placed {
  readonly directive: TreeDirective
  readonly at: Spot
  readonly name: string
  readonly args: readonly string[]
}

const placed = (path: string, directive: TreeDirective): Placed => {
  const [name, ...args] = directive.words
  return {
    directive,
    at: { file: path, line: name.line, column: name.column },
    name: name.text,
    args: args.map(({ text }) => text),
  }
}

function* everyDirective(path: string, directives: readonly TreeDirective[]): Generator<Placed> {
  for (const directive of directives) {
    yield placed(path, directive)
    yield* everyDirective(path, directive.block ?? [])
  }
}

interface UpstreamBlock extends Placed {
  readonly inside: readonly Placed[]
  readonly servers: readonly Placed[]
  /** `http`, `stream`, or '' for a file that is included from elsewhere */
  readonly context: string
}

function* upstreams({ trees }: NginxConfig): Generator<UpstreamBlock> {
  for (const { path, directives } of trees) {
    const blocks = [
      ...directives.map((directive) => ({ directive, context: '' })),
      ...directives.flatMap(({ words, block }) => (block ?? []).map((directive) => ({ directive, context: words[0].text }))),
    ]
    for (const { directive, context } of blocks) {
      if (directive.words[0].text !== 'upstream' || directive.block === null) continue
      const inside = directive.block.map((each) => placed(path, each))
      yield { ...placed(path, directive), inside, servers: inside.filter(({ name }) => name === 'server'), context }
    }
  }
}

const has = ({ args }: Placed, parameter: string): boolean => args.includes(parameter)
const methods = new Set(['ip_hash', 'hash', 'least_conn', 'random', 'least_time'])

const syntax: Rule<NginxConfig> = {
  id: 'nginx/syntax',
  severity: 'error',
  reason: 'nginx refuses the file, and a reload keeps the old configuration.',
  *find({ trees }) {
    for (const { problems } of trees) for (const { file, line, message } of problems) yield { at: { file, line }, message }
  },
}

const duplicateUpstream: Rule<NginxConfig> = {
  id: 'nginx/duplicate-upstream',
  severity: 'error',
  reason: 'nginx refuses two upstreams of one name in http, and two in stream.',
  *find(config) {
    const seen = new Map<string, Spot>()
    for (const { at, args, context } of upstreams(config)) {
      const key = `${context} ${args[0]}`
      const first = seen.get(key)
      if (first === undefined) seen.set(key, at)
      else yield { at, message: `upstream "${args[0]}" stands in ${first.file}:${first.line} already` }
    }
  },
}

const emptyUpstream: Rule<NginxConfig> = {
  id: 'nginx/empty-upstream',
  severity: 'error',
  reason: 'nginx refuses an upstream without a server.',
  *find(config) {
    for (const { at, args, servers, inside } of upstreams(config)) {
      if (servers.length === 0 && !inside.some(({ name }) => name === 'include')) {
        yield { at, message: `upstream "${args[0]}" has no servers` }
      }
    }
  },
}

const backupWithHash: Rule<NginxConfig> = {
  id: 'nginx/backup-with-hash',
  severity: 'error',
  reason: 'The hash, ip_hash and random methods take no backup servers, and nginx refuses the file (1.22.1).',
  *find(config) {
    for (const { inside, servers } of upstreams(config)) {
      const method = inside.find(({ name }) => name === 'hash' || name === 'ip_hash' || name === 'random')
      // a method below the servers does not see them, and nginx only warns
      for (const server of servers) {
        if (method === undefined || (server.at.line < method.at.line && server.at.file === method.at.file)) continue
        if (has(server, 'backup'))
          yield { at: server.at, message: `"${method.name}" does not support "backup" for ${server.args[0]}` }
      }
    }
  },
}

const drainParameter: Rule<NginxConfig> = {
  id: 'nginx/drain',
  severity: 'warning',
  reason: 'Open-source nginx knows "drain" only from 1.29.6 on; before, it refuses the file.',
  *find(config) {
    for (const { servers } of upstreams(config)) {
      for (const server of servers) {
        if (has(server, 'drain'))
          yield { at: server.at, message: `${server.args[0]} is marked "drain"`, fix: 'use "down" for older versions' }
      }
    }
  },
}

const noFailureDetection: Rule<NginxConfig> = {
  id: 'nginx/no-health-check',
  severity: 'warning',
  reason: 'nginx then never leaves a failing server out, and every request in turn finds out anew.',
  *find(config) {
    for (const { servers } of upstreams(config)) {
      for (const server of servers) {
        if (has(server, 'max_fails=0'))
          yield { at: server.at, message: `${server.args[0]} is not watched for failures (max_fails=0)` }
      }
    }
  },
}

const singleServer: Rule<NginxConfig> = {
  id: 'nginx/single-server',
  severity: 'warning',
  reason: 'When that server stops or is taken out, clients get 502 at once.',
  *find(config) {
    for (const { at, args, servers } of upstreams(config)) {
      const [server] = servers.filter((each) => !has(each, 'down'))
      const usable = servers.filter((each) => !has(each, 'down')).length
      // a host name may stand for several addresses
      const isAddress = /^(\d+\.\d+\.\d+\.\d+|\[|unix:)/.test(server?.args[0] ?? '')
      if (usable === 0 && servers.length > 0) yield { at, message: `every server of upstream "${args[0]}" is down` }
      else if (usable === 1 && isAddress) yield { at, message: `upstream "${args[0]}" has one usable server only` }
    }
  },
}

const methodAfterKeepalive: Rule<NginxConfig> = {
  id: 'nginx/keepalive-order',
  severity: 'error',
  reason:
    'A balancing method below "keepalive" replaces it, so connections are not kept (nginx: "load balancing method redefined").',
  *find(config) {
    for (const { inside } of upstreams(config)) {
      const keepalive = inside.findIndex(({ name }) => name === 'keepalive')
      const method = inside.find(({ name }, index) => keepalive >= 0 && index > keepalive && methods.has(name))
      if (method !== undefined)
        yield { at: method.at, message: `"${method.name}" stands below "keepalive"`, fix: 'move it above "keepalive"' }
    }
  },
}

const retryUnsafe: Rule<NginxConfig> = {
  id: 'nginx/non-idempotent-retry',
  severity: 'warning',
  reason: 'A POST that the first server may have carried out is sent to a second one.',
  *find({ trees }) {
    for (const { path, directives } of trees) {
      for (const each of everyDirective(path, directives)) {
        if (each.name === 'proxy_next_upstream' && has(each, 'non_idempotent')) {
          yield { at: each.at, message: 'requests with side effects are retried on the next server' }
        }
      }
    }
  },
}

export const nginxRules: readonly Rule<NginxConfig>[] = [
  syntax,
  duplicateUpstream,
  emptyUpstream,
  backupWithHash,
  methodAfterKeepalive,
  drainParameter,
  noFailureDetection,
  singleServer,
  retryUnsafe,
]
