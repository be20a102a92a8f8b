import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memberValues } from '../../../../src-main/app/members/member-values.ts'

const told = (one: string, other: string) => {
  const { values, elsewhere } = memberValues(one, other)
  return { values: values.map(({ where, what, one: own, other: their }) => [where, what, own.text, their.text]), elsewhere }
}

describe('what two members have each for itself', () => {
  it('is found in a keepalived.conf, with its block', () => {
    const one = `global_defs {\n  router_id lb1 # ours\n}\nvrrp_instance VI_1 {\n  state MASTER\n  priority 150\n  unicast_peer {\n    10.0.0.2\n  }\n}\n`
    const other = one.replace('lb1 # ours', 'lb2').replace('MASTER', 'BACKUP').replace('150', '100').replace('.2', '.1')
    expect(told(one, other)).toEqual({
      values: [
        ['global_defs', 'router_id', 'lb1', 'lb2'],
        ['vrrp_instance VI_1', 'state', 'MASTER', 'BACKUP'],
        ['vrrp_instance VI_1', 'priority', '150', '100'],
        ['unicast_peer', '', '10.0.0.2', '10.0.0.1'],
      ],
      elsewhere: 0,
    })
  })

  it('is found in a haproxy.cfg and an nginx.conf, with quotes and line ends', () => {
    const cfg = `global\n    node "lb 1"\nbackend be\n    server a 10.0.0.1:80 check\n`
    expect(told(cfg, cfg.replace('"lb 1"', '"lb 2"').replace('.1:', '.2:'))).toEqual({
      values: [
        ['global', 'node', '"lb 1"', '"lb 2"'],
        ['backend be', 'server a', '10.0.0.1:80', '10.0.0.2:80'],
      ],
      elsewhere: 0,
    })
    const conf = `worker_processes 2;\r\nhttp {\r\n  server { listen 10.0.0.1:80; }\r\n}\r\n`
    expect(told(conf, conf.replace(' 2;', ' 4;').replace('.1:', '.2:'))).toEqual({
      values: [
        ['', 'worker_processes', '2', '4'],
        ['http', 'server { listen', '10.0.0.1:80', '10.0.0.2:80'],
      ],
      elsewhere: 0,
    })
  })

  it('counts what differs in another way, but for comments', () => {
    const one = 'a 1\nb 1\n# mine\nc 1\n'
    expect(told(one, 'a 1 2\nb 2\n# yours\nc 1\nd\n')).toEqual({ values: [['', 'b', '1', '2']], elsewhere: 2 })
  })

  it('says where each word is: written over by the other one’s, the lines are the same', () => {
    const word = fc.constantFrom('a', 'bb', '"c d"', '10', '{', '}', ';')
    const text = fc
      .array(fc.array(word, { maxLength: 4 }), { maxLength: 6 })
      .map((lines) => lines.map((words) => `${words.join(' ')}\n`).join(''))
    fc.assert(
      fc.property(text, text, (one, other) => {
        const { values, elsewhere } = memberValues(one, other)
        let made = one
        for (const { one: own, other: their } of [...values].reverse()) {
          expect(one.slice(own.from, own.to)).toBe(own.text)
          expect(other.slice(their.from, their.to)).toBe(their.text)
          made = made.slice(0, own.from) + their.text + made.slice(own.to)
        }
        if (elsewhere === 0) expect(made.split(/\s+/).filter(Boolean)).toEqual(other.split(/\s+/).filter(Boolean))
      }),
    )
  })
})
