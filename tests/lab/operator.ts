import { mkdirSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse, stringify } from 'yaml'
import type { Inventory, InventoryNode } from '#contract/inventory.ts'
import { compose } from '../../src-main/compose.ts'
import { runProgram } from '../../src-main/shells/cli/program.ts'
import type { Workplace } from './console-on-lab.ts'
import type { Lab } from './lab.ts'
import type { RunResult } from './run.ts'

/** Somebody at a terminal, who answers every question with the same word. */
export interface Operator {
  /** the command line, in this process */
  evenkeel(...args: string[]): Promise<RunResult>
  readonly questions: string[]
}

/** @param answer null: there is nobody to ask */
export function operatorAt({ dataFolder, environment, home }: Workplace, answer: string | null = null): Operator {
  const questions: string[] = []
  return {
    questions,
    async evenkeel(...args) {
      const said = { stdout: '', stderr: '' }
      const terminal = {
        out: (line: string) => void (said.stdout += `${line}\n`),
        err: (line: string) => void (said.stderr += `${line}\n`),
        ask: async (question: string) => {
          questions.push(question)
          return answer
        },
        askSecret: async () => answer,
        raw: (bytes: Uint8Array) => void (said.stdout += Buffer.from(bytes).toString('latin1')),
        readStdin: async () => '',
        onInterrupt: () => () => undefined,
      }
      const open = (lookOnly: boolean) =>
        compose({ dataFolder, shell: 'cli', env: environment, home, lookOnly, knownHostsFiles: [] })
      return { code: await runProgram(args, terminal, open, 'test'), ...said }
    },
  }
}

/** The keys and the inventory of the lab in a workplace's own home, where a test may change them. Gives back the file to import. */
export function moveIn(lab: Lab, { home }: Workplace, change: (node: InventoryNode) => InventoryNode = (node) => node): string {
  mkdirSync(join(home, '.ssh'), { mode: 0o700 })
  copyFileSync(lab.userKey, join(home, '.ssh', 'id_ed25519'))
  copyFileSync(lab.knownHosts, join(home, 'known_hosts'))
  const inventory = parse(readFileSync(lab.inventoryFile, 'utf8')) as Inventory
  const nodes = inventory.nodes.map((node) => {
    const own = { ...node, ssh: { ...node.ssh, identityFile: '.ssh/id_ed25519', knownHostsFile: 'known_hosts' } }
    return change(own)
  })
  const file = join(home, 'inventory.yaml')
  writeFileSync(file, stringify({ ...inventory, nodes }))
  return file
}
