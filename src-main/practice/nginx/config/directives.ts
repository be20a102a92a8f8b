import {
  accessLog,
  addHeader,
  allowOrDeny,
  logFormat,
  serverName,
  limitReq,
  limitReqZone,
  limitStatus,
  location,
  proxyPass,
  returnCode,
} from './check-http.ts'
import { httpListen, streamListen, streamServer } from './check-listen.ts'
import { errorLog, loadModule, onlyOn, user, workerConnections, workerProcesses } from './check-main.ts'
import { balancing, hash, streamHash, keepalive, random, upstream, upstreamServer, zone } from './check-upstream.ts'
import { flag, number, once, oneOf, size, time } from './values.ts'
import type { Check, Context } from './statement.ts'

export interface DirectiveRule {
  readonly contexts: readonly Context[]
  /** how many arguments */
  readonly least: number
  readonly most: number
  /** the block it opens */
  readonly opens: Context | null
  /** before its block is read */
  readonly check: Check | null
  /** after its block was read */
  readonly finish: Check | null
}

const table = new Map<string, DirectiveRule[]>()

/** @param count `2`, `1-2`, `1-` */
function rule(
  contexts: string,
  names: string,
  count: string,
  check: Check | null = null,
  opens: Context | null = null,
  finish: Check | null = null,
): void {
  const [least = '0', most = least] = count.split('-')
  const made: DirectiveRule = {
    contexts: contexts.split(' ') as Context[],
    least: Number(least),
    most: most === '' ? Infinity : Number(most),
    opens,
    check,
    finish,
  }
  for (const name of names.split(' ')) table.set(name, [...(table.get(name) ?? []), made])
}

export const directivesNamed = (name: string): readonly DirectiveRule[] => table.get(name) ?? []

const web = 'http server location'

rule('main events http server location upstream stream stream-server stream-upstream', 'include', '1')

rule('main', 'events', '0', once, 'events')
rule('main', 'http', '0', once, 'http')
rule('main', 'stream', '0', once, 'stream')
rule('main', 'user', '1-2', user)
rule('main', 'worker_processes', '1', workerProcesses)
rule('main', 'pid lock_file', '1', once)
rule('main', 'load_module', '1', loadModule)
rule('main', 'worker_shutdown_timeout', '1', time)
rule('main', 'daemon master_process', '1', onlyOn)
rule('main', 'pcre_jit', '1', flag)
rule('main', 'worker_rlimit_nofile', '1', number)
rule('main http server location stream stream-server', 'error_log', '1-', errorLog)

rule('events', 'worker_connections', '1', workerConnections)
rule('events', 'multi_accept accept_mutex', '1', flag)
rule('events', 'use', '1', oneOf('epoll', 'poll', 'select'))

rule('http', 'upstream', '1', upstream, 'upstream', upstream.finish)
rule('upstream', 'server', '1-', upstreamServer('http'))
rule('upstream', 'least_conn ip_hash', '0', balancing)
rule('upstream', 'hash', '1-2', hash)
rule('upstream', 'random', '0-2', random)
rule('upstream', 'keepalive', '1', keepalive)
rule('upstream', 'keepalive_requests', '1', number)
rule('upstream', 'keepalive_timeout keepalive_time', '1', time)
rule('upstream', 'zone', '1-2', zone)

rule('http', 'server', '0', null, 'server')
rule('server', 'listen', '1-', httpListen)
rule('server', 'server_name', '1-', serverName)
rule('server location', 'location', '1-2', location, 'location')
rule('server location', 'return', '1-2', returnCode)
rule('server location', 'stub_status', '0-1')
rule('location', 'proxy_pass', '1', proxyPass)
rule(web, 'proxy_set_header', '2')
rule(web, 'add_header', '2-3', addHeader)
rule(web, 'proxy_http_version', '1', oneOf('1.0', '1.1'))
rule(web, 'proxy_connect_timeout proxy_read_timeout proxy_send_timeout send_timeout', '1', time)
rule(web, 'proxy_next_upstream_tries', '1', number)
rule(web, 'proxy_next_upstream', '1-', oneOf(...'error timeout invalid_header http_500 http_502 http_503 http_504 http_429 off'.split(' '))) // prettier-ignore
rule(web, 'allow deny', '1', allowOrDeny)
rule(web, 'access_log', '1-', accessLog)
rule(web, 'limit_req', '1-3', limitReq)
rule(web, 'limit_req_status', '1', limitStatus)
rule(web, 'keepalive_timeout', '1-2', time)
rule('http server', 'client_header_timeout', '1', time)
rule(web, 'default_type', '1', once)
rule('http', 'limit_req_zone', '3', limitReqZone)
rule('http', 'log_format', '2-', logFormat)
rule('http', 'map', '2', null, 'map')
rule(web, 'types', '0', null, 'types')
rule(web, 'server_tokens', '1', oneOf('on', 'off', 'build'))

// What these change cannot be seen from outside a practice machine.
rule(
  web,
  'sendfile tcp_nopush tcp_nodelay gzip gzip_vary proxy_buffering proxy_request_buffering server_name_in_redirect',
  '1',
  flag,
)
rule(web, 'types_hash_max_size types_hash_bucket_size keepalive_requests gzip_comp_level', '1', number)
rule('http', 'server_names_hash_bucket_size server_names_hash_max_size map_hash_bucket_size map_hash_max_size', '1', number)
rule(web, 'client_max_body_size proxy_buffer_size client_body_buffer_size', '1', size)
rule(web, 'client_body_temp_path proxy_temp_path fastcgi_temp_path uwsgi_temp_path scgi_temp_path', '1-4', once)
rule(web, 'gzip_types gzip_proxied', '1-')
rule('http server', 'ssl_protocols', '1-', oneOf('SSLv2', 'SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3'))
rule('http server', 'ssl_prefer_server_ciphers', '1', flag)

rule('stream', 'upstream', '1', upstream, 'stream-upstream', upstream.finish)
rule('stream-upstream', 'server', '1-', upstreamServer('stream'))
rule('stream-upstream', 'least_conn', '0', balancing)
rule('stream-upstream', 'hash', '1-2', streamHash)
rule('stream-upstream', 'random', '0-2', random)
rule('stream-upstream', 'zone', '1-2', zone)
rule('stream', 'server', '0', null, 'stream-server', streamServer)
rule('stream-server', 'listen', '1-', streamListen)
rule('stream-server', 'proxy_pass', '1', proxyPass)
rule('stream stream-server', 'proxy_timeout proxy_connect_timeout', '1', time)
rule('stream stream-server', 'proxy_next_upstream_tries', '1', number)
rule('stream stream-server', 'proxy_next_upstream tcp_nodelay', '1', flag)
