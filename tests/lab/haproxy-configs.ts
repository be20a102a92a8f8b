/** Configurations for `haproxy -c`, good and bad: the real one and the practice one must say the same of each. */

const base = `global
    stats socket /run/admin.sock
defaults
    mode http
    timeout connect 2s
    timeout client 60s
    timeout server 60s
frontend fe
    bind 127.0.0.1:19999
    default_backend be
backend be
    server s1 127.0.0.1:1
`

/** lines that go on after the backend's server */
const continuations = [
  '',
  '    balnce roundrobin\n',
  '    foo',
  '    foo\n    bar\n',
  '    server s1 127.0.0.1:2\n',
  '    server s2 198.18.0.299:80\n',
  '    server s2 nope.invalid:80\n',
  '    server s2 127.0.0.1:2 chek\n',
  '    server s2 127.0.0.1:2 zzzzzzzz\n',
  '    server s2\n',
  '    server s2 127.0.0.1:2 weight 300\n',
  '    server s2 127.0.0.1:2 weight\n',
  '    server s2 127.0.0.1:2 inter 3x\n',
  '    server s2 127.0.0.1:2 rise 0\n',
  '    server s2 127.0.0.1:2 maxconn abc\n',
  '    server s2 127.0.0.1:99999\n',
  '    server s2 127.0.0.1\n',
  '    server s2 127.0.0.1 check\n',
  '    server s!2 127.0.0.1:3\n',
  '    balance foo\n',
  '    balance\n',
  '    mode foo\n',
  '    timeout foo 3s\n',
  '    timeout server 3x\n',
  '    timeout server\n',
  '    option foo\n',
  '    option\n',
  '    hash-type foo\n',
  '    cookie\n',
  '    bind :80\n',
  '    use_backend x if FOO\n',
  '    acl x foo\n',
  '    acl x path_bg /a\n',
  '    http-request deny if nope\n',
  '    stick-table type foo size 1k\n',
  '    stick on foo\n',
  'backend be\n    server s1 127.0.0.1:1\n',
  'frontend fe\n    bind :1\n    default_backend be\n',
  'frontend fe2\n    bind 127.0.0.1:19998\n    default_backend nope\n',
  'frontend fe2\n    bind 127.0.0.1:19998\n    use_backend nope if TRUE\n    default_backend be\n',
  'frontend fe2\n    default_backend be\n',
  'frontend fe2\n    bind 127.0.0.1:70000\n    default_backend be\n',
  'frontend fe2\n    bind nope.invalid:80\n    default_backend be\n',
  'frontend fe2\n    bind 127.0.0.1\n    default_backend be\n',
  'frontend fe2\n    bind :80 foo\n    default_backend be\n',
  'frontend fe2\n    bind 127.0.0.1:19997\n    server x 1.1.1.1:1\n',
  'backend b2\n',
  'frontend\n',
  'foo x\n',
  "    server s2 'x\n",
  'listen l1\n    server q 127.0.0.1:2\n',
  '    server s3 127.0.0.1:2 check cookie\n',
]

const whole = [
  'foo bar\n',
  'global\n    foo\n',
  'global\n    user nobodyy\n',
  'global\n    stats socket\n',
  'global\n    stats socket /tmp/x level foo\n',
  'global\n    nbthread 999\n',
  'global\n    hard-stop-after x\n',
  'global\n    log\n',
  'defaults\n    foo\n',
  '',
  'global\n',
  'backend b\n    server s 127.0.0.1:1\n',
  'frontend f\n    bind 127.0.0.1:19999\n    default_backend b\nbackend b\n    server s 127.0.0.1:1\n',
  'listen l\n    mode http\n    bind 127.0.0.1:19999\n    server s 127.0.0.1:1\n    timeout connect 1s\n    timeout client 1s\n',
]

export const configs: readonly string[] = [...continuations.map((lines) => base + lines), ...whole]
