import { execFileSync, spawnSync } from 'node:child_process'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Machine } from '../../../../src-main/practice/machine/machine.ts'
import { installWords } from '../../../../src-main/practice/words/install-words.ts'
import { aMachine } from '../machine/a-machine.ts'
import type { ManualClock } from '../manual-clock.ts'

let machine: Machine
let clock: ManualClock

beforeEach(async () => {
  ;({ machine, clock } = await aMachine())
  installWords(machine)
})

const run = async (script: string, args: readonly string[] = [], stdin = '') => {
  const { code, stdout, stderr } = await machine.run(['sh', '-c', script, 'sh', ...args], { stdin })
  return { code, stdout: stdout.toString('latin1'), stderr }
}

/** What the shell language says, compared with the dash of this computer. Nothing here touches a file that is not there on both. */
const scripts: Record<string, string> = {
  quotes: `x='a  b'; echo $x "$x" '$x' "\\$x" a\\ b "a'b" 'a"b'`,
  'field splitting': `IFS=:; x=a::b:; for i in $x; do printf '[%s]' "$i"; done; IFS=' '; y='  p  q '; for i in $y; do printf '<%s>' "$i"; done`,
  'parameters at': `set -- 'a b' '' c; for i in "$@"; do printf '[%s]' "$i"; done; for i in "$*"; do printf '[%s]' "$i"; done; for i in $@; do printf '[%s]' "$i"; done; echo $#`,
  'no parameters': `set --; for i in "$@"; do echo never; done; printf '[%s]' "$@" x; printf '[%s]' "a$@"`,
  trimming: `x=/a/b.c.d; echo "\${x##*/}" "\${x#*/}" "\${x%.*}" "\${x%%.*}" "\${x##*)}" "\${#x}" "\${x%"d"}"`,
  defaults: `unset u; e=; echo "\${u-1}" "\${u:-2}" "\${e-3}" "\${e:-4}" "\${u+5}" "\${e+6}" "\${e:+7}" "\${u:=8}" "$u"`,
  'required parameter': `unset u; echo "\${u:?is needed}"; echo not here`,
  arithmetic: `i=3; echo $((i*2+1)) $(( (i+1)/2 )) $((i%2)) $((1<<4|1)) $((i>2&&i<4)) $((i==3?10:20)) $((-i)) $((0x1f)) $((010)); echo $((i+=4)) $i`,
  case: `for x in abc a.c '' '*' 5; do case $x in a?c) echo one;; '*') echo star;; [0-9]) echo digit;; '') echo empty;; esac; done`,
  loops: `i=0; while [ $i -lt 5 ]; do i=$((i+1)); [ $i = 2 ] && continue; [ $i = 4 ] && break; echo $i; done; until [ $i = 0 ]; do i=$((i-1)); done; echo $i`,
  'nested break': `for a in 1 2; do for b in 1 2; do [ $b = 2 ] && break 2; echo $a$b; done; done`,
  functions: `f() { echo "$1 $#"; return 3; }; f x y; echo $? "$1"; g() ( exit 4 ); g; echo $?`,
  'and or': `false || echo a && echo b; true && false || echo c; ! true; echo $?; ! false | true; echo $?`,
  'here-document': `x=1; cat <<E\n$x \\$x $(echo sub) $((x+1))\nE\ncat <<'E'\n$x\nE\ncat <<-E\n\tindented\n\tE\n`,
  read: `printf 'a b c\\nlast' | while read -r x y || [ -n "$x" ]; do echo "$x-$y"; done; echo 'q:r:s' | { IFS=: read a b; echo "$b"; }; printf 'a\\\\b\\n' | { read x; echo "$x"; }`,
  'status of substitution': `x=$(exit 3); echo $?; false; y=$?; echo $y; x=$(echo 'a

'); echo "[$x]"`,
  redirections: `{ echo out; echo err >&2; } 2>&1 | cat; echo lost >/dev/null; { echo a >&3; } 3>&1`,
  errexit: `set -e; if false; then :; fi; false || true; echo before; (exit 2); echo after`,
  subshell: `x=1; (x=2; echo $x); echo $x; { x=3; }; echo $x; (cd /tmp; pwd)`,
  eval: `x='echo "$y"'; y='a b'; eval "$x"; eval 'for i in 1 2; do echo $i; done'`,
  'exit trap': `trap 'echo bye $?' EXIT; echo hi; exit 3`,
  printf: `printf '%s|%5s|%-5s|%05d|%x|%o|%c|%%|%.2s\\n' a b c 42 255 8 xyz abcdef; printf '%s\\n' a b c; printf '\\101\\0101'; printf '%b' 'a\\tb\\0101'`,
  bytes: `printf '\\377\\000\\376' ; printf '\\303\\251' | cat`,
  comments: `echo a#b # no\n# line\necho c; echo 'd #'`,
  'line continuation': `echo a\\\nb && \\\necho c`,
  backquotes: 'echo `echo a \\`echo b\\`` "`echo c  d`"',
  test: `[ a = a ] && [ a != b ] && [ -n x ] && [ ! -z x ] && [ 1 -lt 2 -a 3 -ge 3 ] && [ -d /tmp ] && [ '(' = '(' ] && echo ok; [ x -eq 1 ]; echo $?; [ ]; echo $?`,
  shift: `set -- a b c; shift; echo "$1"; shift 2; echo $#`,
  'unset option': `set -u; echo "\${1-none}"; echo "$nothing"; echo not here`,
  'syntax error': `if true; then echo x`,
  'another syntax error': `echo a | | b`,
  'not found': `no-such-program x; echo $?`,
  'glob without match': `echo /nothing/*/here '/*' "/*"`,
  'assignment before command': `x=1; x=2 sh -c 'echo $x'; echo $x`,
  'pipe status': `false | true; echo $?; true | false; echo $?; exit 5 | cat; echo $?`,
  echo: `echo -n a; echo 'b\\tc\\n' ; echo 'd\\ce'; echo f`,
  special: `echo "$0" "$#"; set -- x; echo "$-" >/dev/null; echo \${#}`,
  'kill asks': `kill -0 $$ && echo alive; kill -0 999999; echo $?`,
}

describe('the shell language, beside dash', () => {
  it.each(Object.entries(scripts))('%s', async (_name, script) => {
    const real = spawnSync('dash', ['-c', script, 'sh'], { env: { PATH: '/usr/bin:/bin' }, cwd: '/tmp', timeout: 5000 })
    const practice = await run(script)
    const words = (text: string) => text.replace(/^(sh|dash): \d+: /gm, 'sh: ')
    expect(practice).toMatchObject({ code: real.status, stdout: real.stdout.toString('latin1') })
    expect(words(practice.stderr)).toBe(words(real.stderr.toString()))
  })

  it('knows the same text tools', async () => {
    const input = 'b 2\na 1\nc 10\n'
    for (const tool of [
      "sed -n '2,$s/[0-9]/<&>/p'",
      'sort -k2n',
      "cut -d' ' -f2",
      'tr a-c A-C',
      'grep -c 1',
      'head -n 1',
      'head -n -1',
      'tail -c 3',
      'tail -n +2',
      'tail -2',
      'wc -l',
      'wc',
      'cut -c2-',
      "cut -d' ' -f1,3-",
      "tr -d 'a-b\\n'",
      "tr '\\12' x",
      'tr -s a-z y',
      'tr -cd 0-9',
      "awk '{ s += $2 } END { print s }'",
    ]) {
      const real = execFileSync('dash', ['-c', tool], { input, env: { PATH: '/usr/bin:/bin', LC_ALL: 'C' } }).toString()
      expect((await run(tool, [], input)).stdout, tool).toBe(real)
    }
  })

  it('gives what is read from a file byte by byte', async () => {
    machine.files.write('/tmp/bytes', Buffer.from([0xff, 0, 0xc3, 0xa9, 10]))
    expect((await run('cat /tmp/bytes')).stdout).toBe('\xff\0\xc3\xa9\n')
    expect((await run("tr '\\000' x < /tmp/bytes | tail -c 4")).stdout).toBe('x\xc3\xa9\n')
  })
})

describe('processes of the shell', () => {
  it('takes a script by stdin, and arguments of any kind', async () => {
    const evil = ["a'b", '$(touch /tmp/x)', 'é\n', '-n', '']
    const { stdout } = await machine.run(['sh', '-s', '--', ...evil], { stdin: 'for a; do printf "%s|" "$a"; done' })
    expect(stdout.toString()).toBe(`${evil.join('|')}|`)
    expect(machine.files.exists('/tmp/x')).toBe(false)
  })

  it('leaves background jobs running, which ps and kill see', async () => {
    const { stdout } = await run('setsid -f sh -c "sleep 60; echo done > /tmp/late" >/dev/null 2>&1; sleep 30 & echo $!')
    const pid = Number(stdout)
    expect(machine.processes.get(pid)).not.toBeNull()
    await run('kill "$1"', [String(pid)])
    expect(machine.processes.get(pid)).toBeNull()
    expect((await run('pgrep -f [l]ate')).code).toBe(0)
    await clock.advance(60_000)
    expect(machine.files.read('/tmp/late').toString()).toBe('done\n')
    expect((await run('pgrep -f [l]ate')).code).toBe(1)
  })

  it('ends a command by timeout, and says so', async () => {
    const running = run('timeout -k 2 5 sleep 100; echo $?')
    await clock.advance(5000)
    expect((await running).stdout).toBe('124\n')
    expect(machine.processes.list().map(({ name }) => name)).not.toContain('sleep')
  })

  it('ends a loop that never waits when its shell is killed', async () => {
    const running = run('while :; do :; done')
    await new Promise((resolve) => setImmediate(resolve))
    const shell = machine.processes.list().find(({ name }) => name === 'sh')
    machine.processes.signal(shell?.pid ?? 0, 'KILL')
    expect((await running).code).toBe(137)
  })

  it('refuses what it cannot do', async () => {
    expect(await run("trap 'x' TERM; echo on")).toMatchObject({ code: 2, stdout: '' })
    expect((await run('set -x; echo on')).code).toBe(2)
  })

  it('fails like a full disk when the disk is full', async () => {
    machine.files.setFault('full')
    expect(await run('echo x > /tmp/full; echo $?')).toMatchObject({
      stdout: '1\n',
      stderr: 'sh: 1: echo: No space left on device\n',
    })
  })
})
