import { spawnSync } from 'node:child_process'
import { cpSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { PushRecord } from '#contract'
import { createDrivers } from '../../src-main/drivers/registry.ts'
import { CliError } from '../../src-main/shells/cli/exit-codes.ts'
import { systemClock } from '../../src-main/system-clock.ts'
import { exhaustive } from '../exhaustive.ts'
import { makeWorkplace, openConsole, type ConsoleOnLab, type Workplace } from './console-on-lab.ts'
import { describeLab } from './describe-lab.ts'
import { passDrivers, type Pass } from './kill-points.ts'
import { ensureLab, type Lab } from './lab.ts'
import { namespaceOf } from './network.ts'
import { insideNode } from './node.ts'
import { ended, faultsOf, fileFor, haproxyFile, onDisk, weightIn, withWeight } from './push-exercise.ts'
import { waitUntil } from './run.ts'

const watchMs = 2000
const guardMs = 22_000

describeLab('a push in trouble', () => {
  let lab: Lab
  /** A data folder into which the inventory was imported; every console works on a copy of it. */
  let template: Workplace
  let weight = 10

  /** A console with a data folder of its own, told of every point that its pushes pass (see kill-points.ts). */
  async function withConsole(pass: Pass, act: (console: ConsoleOnLab) => Promise<void>): Promise<void> {
    const place = makeWorkplace()
    cpSync(template.dataFolder, place.dataFolder, { recursive: true })
    try {
      const drivers = passDrivers(createDrivers({ clock: systemClock }).values(), pass)
      const console = await openConsole(place, { drivers })
      await act(console).finally(() => console.close())
    } finally {
      place.clear()
    }
  }
  const quietly: Pass = () => undefined
  /** Does something at a point, before anything else happens, once. */
  function at(point: string, act: () => void): Pass {
    let done = false
    return (passed) => {
      if (passed !== point || done) return
      done = true
      act()
    }
  }
  function atOnce(argv: readonly [string, ...string[]]): void {
    const [program, ...args] = argv
    const { status, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(`${argv.join(' ')} ended with ${status}: ${stderr}`)
  }
  const onNode = (node: string, script: string): void => atOnce(insideNode(lab.instance, node, ['sh', '-c', script]))
  const cable = (node: string, state: 'up' | 'down'): void =>
    atOnce(['ip', '-n', namespaceOf(lab.instance, 'sw'), 'link', 'set', `${node}-eth1`, state])

  /** Answers the push as it is in the end, and what it was to put on the first node. */
  async function push(console: ConsoleOnLab, ...nodes: string[]): Promise<PushRecord & { wanted: string }> {
    const next = ++weight
    const files = await Promise.all(nodes.map((node) => fileFor(lab, node, (text) => withWeight(text, next))))
    const { id } = await console.client.call('push.start', { files, reason: 'trouble', watchMs, guardMs })
    return { ...(await ended(console, id)), wanted: files[0]?.text ?? '' }
  }
  /** As a person does whom a node has refused: tries again. */
  async function pushTillTaken(console: ConsoleOnLab, node: string): ReturnType<typeof push> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await push(console, node)
      } catch (thrown) {
        if (tries === 5 || !(thrown instanceof CliError) || !/^(ssh|node)\./.test(thrown.reply.code)) throw thrown
      }
    }
  }
  async function expectWhole(node: string, text: string): Promise<void> {
    expect(await onDisk(lab, node), node).toBe(text)
    expect(await faultsOf(lab, node), node).toEqual([])
  }

  beforeAll(async () => {
    lab = await ensureLab()
    await lab.restoreAll()
    template = makeWorkplace()
    const imported = await template.evenkeel('inventory', 'import', lab.inventoryFile)
    expect(imported, imported.stderr).toMatchObject({ code: 0 })
  })
  afterAll(async () => {
    template.clear()
    await lab.restoreAll()
  })

  it.each(exhaustive ? ['file leaving', 'reload leaving', 'reload answered', 'confirmation leaving'] : ['reload answered'])(
    'is cut off at "%s": the guard puts back what was there, and the console tells so when it can ask',
    async (point) => {
      const node = 'lb3'
      const before = await onDisk(lab, node)
      let isCut = false
      await withConsole(
        at(`${node} ${point}`, () => {
          cable(node, 'down')
          isCut = true
        }),
        async (console) => {
          try {
            const pushed = push(console, node)
            await waitUntil('it comes so far', 60_000, () => isCut)
            await waitUntil(
              'the guard has put it back',
              guardMs + 30_000,
              async () =>
                (await onDisk(lab, node)) === before &&
                (await faultsOf(lab, node)).every((fault) => fault.startsWith('left over')),
            )
            // the console asks for a minute, and when the node is there again
            if (exhaustive) expect((await pushed).said).toContain(`${node} cannot be asked now`)
            cable(node, 'up')
            const { id } = await pushed
            await waitUntil('the console has asked', 60_000, async () =>
              (await console.client.call('push.get', { push: id })).targets.every(({ phase }) => phase === 'restored'),
            )
          } finally {
            cable(node, 'up')
          }
        },
      )
      await expectWhole(node, before)
    },
    180_000,
  )

  it.concurrent(
    'of two consoles at once is carried out by one; the other one says whose it is, and touches nothing',
    async () => {
      await withConsole(quietly, (one) =>
        withConsole(quietly, async (other) => {
          const pushes = await Promise.all([push(one, 'lb1'), push(other, 'lb1')])
          expect(pushes.map(({ state }) => state).sort()).toEqual(['rolled-back', 'succeeded'])
          const lost = pushes.find(({ state }) => state === 'rolled-back')
          expect(lost?.said).toMatch(/is being changed by lab test \(cli\) \(trouble|was changed by somebody else/)
          await expectWhole('lb1', pushes.find(({ state }) => state === 'succeeded')?.wanted ?? '')
        }),
      )
    },
    120_000,
  )

  it.concurrent(
    'is seen by a colleague, who keeps it; its own console finds that it has succeeded',
    async () => {
      let settled: Promise<unknown> = Promise.resolve()
      await withConsole(quietly, async (colleague) => {
        const keep = async (): Promise<void> => {
          const [guard] = await colleague.client.call('push.standing', { nodes: ['lb2'] as never })
          expect(guard).toMatchObject({ kind: 'haproxy', state: 'armed', owner: 'lab test (cli)', push: null })
          await colleague.client.call('push.settle', {
            node: 'lb2' as never,
            kind: 'haproxy',
            id: guard?.id ?? '',
            how: 'keep',
          })
        }
        await withConsole(
          at('lb2 reload answered', () => (settled = keep())),
          async (console) => {
            const { state, wanted } = await push(console, 'lb2')
            await settled
            expect(state).toBe('succeeded')
            await expectWhole('lb2', wanted)
          },
        )
      })
    },
    120_000,
  )

  it.each([
    ['before the guard is armed', 'guard leaving'],
    ['before it is replaced', 'file leaving'],
  ])(
    'of a file that another hand changes %s leaves what that hand wrote',
    async (_, point) => {
      const before = await onDisk(lab, 'lb1')
      await withConsole(
        at(`lb1 ${point}`, () => onNode('lb1', `echo '# by hand' >> ${haproxyFile}`)),
        async (console) => {
          const { state, said } = await push(console, 'lb1')
          expect(state).toBe('rolled-back')
          expect(said).toContain('was changed by somebody else since it was read, and was left so')
          await expectWhole('lb1', `${before}# by hand\n`)
        },
      )
    },
    120_000,
  )

  it.concurrent('with an account that may not is refused before anything is touched', async () => {
    const before = await onDisk(lab, 'lb4')
    await withConsole(quietly, async (console) => {
      await expect(push(console, 'lb4')).rejects.toMatchObject({ reply: { code: 'exec.not-permitted', effect: 'none' } })
    })
    await expectWhole('lb4', before)
  })

  it('is under way when the node starts anew: the console puts back what was there', async () => {
    const before = await onDisk(lab, 'lb2')
    // another boot of the machine, by its own id; the first process is all that is left
    const reboot = `
      echo 11111111-2222-3333-4444-555555555555 > /run/boot-id
      mount --bind /run/boot-id /proc/sys/kernel/random/boot_id
      rm -f /run/haproxy.pid /run/keepalived.pid /run/nginx.pid
      setsid sh -c 'kill -KILL -1'`
    const [program, ...args] = insideNode(lab.instance, 'lb2', ['sh', '-c', reboot])
    let isDown = false
    await withConsole(
      at('lb2 reload leaving', () => {
        // ends with all the others
        spawnSync(program, args)
        isDown = true
      }),
      async (console) => {
        const pushed = push(console, 'lb2')
        await waitUntil('it comes so far', 60_000, () => isDown)
        for (const service of ['haproxy', 'nginx', 'keepalived', 'sshd'] as const) await lab.startService('lb2', service)
        const { id, wanted } = await pushed
        expect(wanted).not.toBe(before)
        await waitUntil('it was put back', 60_000, async () =>
          (await console.client.call('push.get', { push: id })).targets.every(({ phase }) => phase === 'restored'),
        )
      },
    )
    await expectWhole('lb2', before)
    await lab.exec('lb2', ['umount', '/proc/sys/kernel/random/boot_id'])
  }, 120_000)

  it('over an sshd that drops every second connection, and loses one in the midst of it, ends whole', async () => {
    const drop = `nft -f - <<'END'
table inet evenkeel_lab {
  chain input { type filter hook input priority 0; tcp dport 22 tcp flags & (syn | ack) == syn numgen inc mod 2 0 reject with tcp reset; }
}
END`
    const before = await onDisk(lab, 'lb1')
    onNode('lb1', drop)
    try {
      await withConsole(
        at('lb1 reload answered', () => onNode('lb1', 'pkill -KILL -f "^sshd: root@"')),
        async (console) => {
          const { id, wanted } = await pushTillTaken(console, 'lb1')
          await waitUntil('how it stands is known', 60_000, async () =>
            (await console.client.call('push.get', { push: id })).targets.every(({ phase }) => phase !== 'failed'),
          )
          const [target] = (await console.client.call('push.get', { push: id })).targets
          expect(['done', 'restored']).toContain(target?.phase)
          await expectWhole('lb1', target?.phase === 'done' ? wanted : before)
          expect(weightIn(wanted)).not.toBe(weightIn(before))
        },
      )
    } finally {
      onNode('lb1', 'nft delete table inet evenkeel_lab')
    }
  }, 120_000)
})
