import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/**
 * Several labs can run beside each other on one machine, each with its own name and its own addresses. The name is `evk`, `evk2`,
 * `evk3` …: the number chooses the addresses, the name is the prefix of its network namespaces.
 */
export interface Instance {
  name: string
  /** network through which the console reaches sshd, e.g. `198.18.0` */
  managementNet: string
  /** network of virtual addresses, balancers' data side, backends and the client, e.g. `198.18.1` */
  dataNet: string
  /** run-time state: pids, rendered files, logs. Gone after a reboot, as are the processes it speaks of */
  stateDir: string
  /** keys, known hosts and inventory, inside the checkout and ignored by git */
  outputDir: string
}

const stateRoot = '/run/evenkeel-lab'
const checkout = resolve(import.meta.dirname, '../..')
const labFolder = join(checkout, '.lab')
const maxNumber = 64

/** @throws Error for a name that is not `evk` or `evk` and a number from 2 to 64 */
export function instanceNamed(name: string): Instance {
  const number = Number(/^evk(\d*)$/.exec(name)?.[1] || (name === 'evk' ? 1 : NaN))
  if (!(number >= 1 && number <= maxNumber) || (number === 1 && name !== 'evk')) {
    throw new Error(
      `"${name}" is not the name of a lab: use evk, or evk2 to evk${maxNumber} (environment variable EVENKEEL_LAB).`,
    )
  }
  return {
    name,
    managementNet: `198.18.${2 * (number - 1)}`,
    dataNet: `198.18.${2 * (number - 1) + 1}`,
    stateDir: join(stateRoot, name),
    outputDir: name === 'evk' ? labFolder : join(labFolder, name),
  }
}

/** 1 for `evk`, N for `evkN`. */
export const numberOf = ({ name }: Instance): number => Number(name.slice('evk'.length) || 1)

const ownerFile = (instance: Instance): string => join(instance.stateDir, 'owner')

/** The checkout that brought this lab up, null when it is not up. */
export function ownerOf(instance: Instance): string | null {
  return existsSync(ownerFile(instance)) ? readFileSync(ownerFile(instance), 'utf8').trim() : null
}

/** Take the name for this checkout; other checkouts on this machine then choose another. */
export function claim(instance: Instance): void {
  mkdirSync(instance.stateDir, { recursive: true, mode: 0o755 })
  writeFileSync(ownerFile(instance), `${checkout}\n`)
}

/**
 * The lab of this checkout: the one named by EVENKEEL_LAB, else the default one, else, when another checkout on this machine has
 * that one, the first that is this checkout's own or free.
 */
export function currentInstance(): Instance {
  const named = process.env['EVENKEEL_LAB']
  return named ? instanceNamed(named) : firstUsable(1)
}

/** @throws Error when all names from `from` on belong to other checkouts */
export function firstUsable(from: number): Instance {
  for (let number = from; number <= maxNumber; number += 1) {
    const instance = instanceNamed(number === 1 ? 'evk' : `evk${number}`)
    const owner = ownerOf(instance)
    if (owner === null || owner === checkout || !existsSync(owner)) return instance
  }
  throw new Error(`All ${maxNumber} labs are taken by other checkouts; see ${stateRoot}.`)
}

/** First name from `from` on that nobody has up: for tests that need a lab of their own. */
export function firstFree(from: number): Instance {
  const taken = new Set(existsSync(stateRoot) ? readdirSync(stateRoot) : [])
  for (let number = from; number <= maxNumber; number += 1) {
    if (!taken.has(`evk${number}`)) return instanceNamed(`evk${number}`)
  }
  throw new Error(`All labs from evk${from} to evk${maxNumber} are taken; see ${stateRoot}.`)
}
