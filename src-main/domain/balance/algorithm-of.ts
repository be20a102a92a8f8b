import type { Algorithm } from './create-picker.ts'

/**
 * What a pool is balanced by, from the daemon's own words as a reading carries them: HAProxy's `algo` of `show stat`, nginx's directive as
 * written. Null for what is not modelled (`first`, which fills one server after the other; commercial nginx's `least_time`) and for words
 * that say nothing: HAProxy 2.6 has `unknown` for `random`. Its hash-type is not told either, and the default, `map-based`, is taken.
 */
export function algorithmOf(daemon: 'haproxy' | 'nginx', words: string): Algorithm | null {
  return daemon === 'haproxy' ? haproxyAlgorithm(words) : nginxAlgorithm(words)
}

function haproxyAlgorithm(word: string): Algorithm | null {
  switch (word) {
    case 'roundrobin':
    case 'static-rr':
      return { kind: 'haproxy-roundrobin' }
    case 'leastconn':
      return { kind: 'haproxy-leastconn' }
    case 'source':
      return { kind: 'haproxy-hash', of: 'address' }
    case 'uri':
    case 'url_param':
    case 'hdr':
    case 'hash':
    case 'rdp-cookie':
      return { kind: 'haproxy-hash', of: 'text' }
    default:
      return null
  }
}

/** `sticky` stands beside the balancing method, which places the clients that are not yet bound. */
function nginxAlgorithm(words: string): Algorithm | null {
  const method = words.split(', ').find((directive) => !directive.startsWith('sticky')) ?? 'round robin'
  const [name, ...parameters] = method.split(' ')
  switch (name) {
    case 'round':
      return { kind: 'nginx-round-robin' }
    case 'least_conn':
      return { kind: 'nginx-least-conn' }
    case 'ip_hash':
      return { kind: 'nginx-ip-hash' }
    case 'hash':
      return { kind: parameters.includes('consistent') ? 'nginx-consistent-hash' : 'nginx-hash' }
    case 'random':
      return parameters.some((parameter) => parameter.startsWith('least_time'))
        ? null
        : { kind: 'random', choices: parameters[0] === 'two' ? 2 : 1 }
    default:
      return null
  }
}
