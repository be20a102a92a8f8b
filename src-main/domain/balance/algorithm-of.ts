import type { Algorithm } from './create-picker.ts'

/**
 * What a pool is balanced by, from the daemon's own words as a reading carries them: HAProxy's `algo` of `show stat`, nginx's directive as
 * written. Null for what is not modelled (`first`, which fills one server after the other; commercial nginx's `least_time`) and for words
 * not known. HAProxy does not tell its hash-type nor the draws of `random`; the defaults are taken: `map-based`, and two.
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
    case 'random':
      return { kind: 'haproxy-random', draws: 2 }
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
