import { EventEmitter } from 'node:events'
import type { UtilityProcess } from 'electron'
import { describe, expect, it } from 'vitest'
import { createStartUtilityProcess } from '../../../../src-main/shells/desktop/utility-process.ts'

function createElectron() {
  const forked: unknown[] = []
  const posted: unknown[] = []
  let kills = 0
  const child = Object.assign(new EventEmitter(), {
    postMessage: (message: unknown) => void posted.push(message),
    kill: () => ((kills += 1), true),
  })
  const utilityProcess = {
    fork: (...args: unknown[]) => {
      forked.push(args)
      return child as unknown as UtilityProcess
    },
  }
  return { utilityProcess, child, forked, posted, kills: () => kills }
}

describe('a process of our own under Electron', () => {
  it('is a utility process that gets nothing of the environment', () => {
    const electron = createElectron()
    createStartUtilityProcess(electron)('/app/practice-fleet.js')
    expect(electron.forked).toEqual([['/app/practice-fleet.js', [], { env: {} }]])
  })

  it('passes messages both ways, says its end and can be killed', () => {
    const electron = createElectron()
    const own = createStartUtilityProcess(electron)('/app/practice-fleet.js')
    const heard: unknown[] = []
    const ends: string[] = []
    own.onMessage((message) => heard.push(message))
    own.onGone((why) => ends.push(why))
    own.send({ kind: 'close' })
    electron.child.emit('message', { kind: 'closed' })
    own.kill()
    electron.child.emit('exit', 0)
    expect([electron.posted, heard, ends, electron.kills()]).toEqual([
      [{ kind: 'close' }],
      [{ kind: 'closed' }],
      ['it ended with exit code 0'],
      1,
    ])
  })
})
