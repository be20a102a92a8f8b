import { spawnSync } from 'node:child_process'
import { defaultBehaviour, order, type Behaviour } from './backend-orders.ts'
import { currentInstance, ownerOf } from './instance.ts'
import { isUp, openLab } from './lab.ts'
import { namespaceOf } from './network.ts'
import { insideNode } from './node.ts'
import { firstProcess } from './processes.ts'
import { whyNoLab } from './requirements.ts'
import { inventoryFile } from './inventory.ts'
import { controlSocket, down, knownTopology, up } from './up-down.ts'
import { backendNames } from './topology.ts'

const usage = `npm run lab up [--systemd]        bring the lab up, or complete it; --systemd adds a node "sd" with systemd as pid 1
npm run lab down                  take it away, whatever state it is in
npm run lab status                what runs, who holds the virtual addresses, how the backends behave
npm run lab -- exec NODE CMD…     run a command as root in lb1 … lb4, sd, be (the backends) or client
npm run lab backend NAME …        health=500 latency=200 agent='up 50%' stop start reset   (NAME: ${backendNames.join(' ')})
npm run lab restore               back to how it was after up

EVENKEEL_LAB=evk2 chooses another lab beside the default one.
`

class UsageError extends Error {}

// a reader that has seen enough (`| head`) is no error
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const [verb = 'help', ...args] = process.argv.slice(2)
try {
  process.exitCode = await obey()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}

async function obey(): Promise<number> {
  if (!['up', 'down', 'status', 'exec', 'backend', 'restore'].includes(verb)) {
    process.stdout.write(usage)
    return verb === 'help' || verb === '--help' ? 0 : 2
  }
  const reason = await whyNoLab({ browser: false })
  if (reason !== null) throw new Error(reason)
  const instance = currentInstance()
  if (verb === 'up') {
    // npm keeps options before `--` for itself, and passes them on as environment variables
    await up(instance, { systemd: args.includes('--systemd') || process.env['npm_config_systemd'] === 'true' })
    process.stdout.write(`Lab ${instance.name} is up: evenkeel inventory import ${inventoryFile(instance)}\n`)
    return 0
  }
  if (verb === 'down') {
    await down(instance)
    process.stdout.write(`Lab ${instance.name} is down.\n`)
    return 0
  }
  if (!isUp(instance)) {
    const partly = ownerOf(instance) !== null
    throw new Error(`Lab ${instance.name} is ${partly ? 'only partly up' : 'not up'}; bring it up with "npm run lab up".`)
  }
  if (verb === 'status') await printStatus()
  if (verb === 'restore') await openLab(instance, knownTopology(instance)).restoreAll()
  if (verb === 'backend') await tellBackend(args)
  return verb === 'exec' ? execInside(args) : 0
}

async function printStatus(): Promise<void> {
  const instance = currentInstance()
  const topology = knownTopology(instance)
  const lab = openLab(instance, topology)
  for (const node of topology.nodes) {
    const { stdout } = await lab.exec(node.id, [
      'sh',
      '-c',
      'cat /proc/[0-9]*/comm | sort -u | grep -xE "sshd|haproxy|nginx|keepalived"',
    ])
    const services = stdout.trim().split('\n').join(' ')
    process.stdout.write(
      `${node.id}  ${node.user}@${node.management}  pid 1 is ${firstProcess(instance, node.id)}  ${services}\n`,
    )
  }
  for (const pair of ['edge', 'core'] as const) {
    process.stdout.write(`${pair}  ${topology.vips[pair]}  held by ${(await lab.holders(pair)).join(' and ') || 'nobody'}\n`)
  }
  for (const [name, state] of Object.entries(await order(controlSocket(instance), {}))) {
    const behaviour = `health ${state.health}, latency ${state.latencyMs} ms, agent "${state.agent}"`
    process.stdout.write(`${name}  ${state.address}  ${state.running ? behaviour : 'stopped'}\n`)
  }
}

async function tellBackend([name = '', ...words]: string[]): Promise<void> {
  const behaviour: Partial<Behaviour> = {}
  let running: boolean | undefined
  for (const word of words) {
    const [key = '', value = ''] = word.split(/=(.*)/s)
    if (key === 'stop' || key === 'start') running = key === 'start'
    else if (key === 'reset') Object.assign(behaviour, defaultBehaviour)
    else if (key === 'agent' && value) behaviour.agent = value
    else if (key === 'health' && /^[1-5]\d\d$/.test(value)) behaviour.health = Number(value)
    else if (key === 'latency' && /^\d{1,6}$/.test(value)) behaviour.latencyMs = Number(value)
    else
      throw new UsageError(
        `"${word}" is not understood; a backend takes health=CODE, latency=MS, agent=TEXT, stop, start or reset.`,
      )
  }
  const known = backendNames.find((one) => one === name)
  if (!known) throw new UsageError(`There is no backend "${name}"; there are ${backendNames.join(', ')}.`)
  const reply = await order(controlSocket(currentInstance()), {
    backend: known,
    behaviour,
    ...(running === undefined ? {} : { running }),
  })
  process.stdout.write(`${JSON.stringify(reply)}\n`)
}

function execInside([machine = '', ...command]: string[]): number {
  if (command.length === 0) throw new UsageError('npm run lab exec NODE CMD…')
  const instance = currentInstance()
  const [program, ...rest] =
    machine === 'be' || machine === 'client'
      ? (['nsenter', `--net=/run/netns/${namespaceOf(instance, machine)}`, '--', ...command] as const)
      : insideNode(instance, machine, command)
  return spawnSync(program, rest, { stdio: 'inherit' }).status ?? 1
}
