import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Agent, get } from 'node:http'
import { pathToFileURL } from 'node:url'
import type { Lab } from './lab.ts'

/** What the clients of a steady load have seen. */
export interface LoadResult {
  answered: number
  /** answers that were no 200, and connections that broke off */
  lost: number
  /** answers by the backend that gave them */
  by: Record<string, number>
}

export interface SteadyLoad {
  /** Ends the load and gives back what its clients saw. */
  stop(): Promise<LoadResult>
}

export const loadClients = 12

/** Keep-alive clients in the lab's client namespace that ask one after the other, without ever trying again, until they are stopped. */
export function startLoad(lab: Lab, folder: string, url: string): SteadyLoad {
  const goOn = join(folder, 'load-goes-on')
  writeFileSync(goOn, '')
  const running = lab.exec('client', [process.execPath, import.meta.filename, goOn, url], { timeoutMs: 180_000 })
  return {
    async stop() {
      rmSync(goOn)
      const { code, stdout, stderr } = await running
      if (code !== 0) throw new Error(`The load ended with ${code}: ${stderr}`)
      return JSON.parse(stdout) as LoadResult
    },
  }
}

async function ask(url: string, agent: Agent, result: LoadResult): Promise<void> {
  const backend = await new Promise<string | null>((resolve) => {
    const request = get(url, { agent, timeout: 20_000 }, (response) => {
      let body = ''
      response.on('data', (chunk: Buffer) => (body += chunk.toString()))
      response.on('error', () => resolve(null))
      response.on('close', () => resolve(response.complete && response.statusCode === 200 ? body.trim() : null))
    })
    request.on('timeout', () => request.destroy())
    request.on('error', () => resolve(null))
  })
  if (backend === null) result.lost += 1
  else {
    result.answered += 1
    result.by[backend] = (result.by[backend] ?? 0) + 1
  }
}

async function main(goOn: string, url: string): Promise<void> {
  const result: LoadResult = { answered: 0, lost: 0, by: {} }
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (existsSync(goOn)) await ask(url, agent, result)
    agent.destroy()
  }
  await Promise.all(Array.from({ length: loadClients }, client))
  process.stdout.write(JSON.stringify(result))
}

const [program, goOn, url] = process.argv.slice(1)
if (program !== undefined && pathToFileURL(program).href === import.meta.url && goOn !== undefined && url !== undefined) {
  await main(goOn, url)
}
