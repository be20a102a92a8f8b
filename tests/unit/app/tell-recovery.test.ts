import { expect, test } from 'vitest'
import type { NodeId } from '#contract'
import { AppError } from '../../../src-main/app/app-error.ts'
import type { RoundSink, ServiceRound } from '../../../src-main/app/poller.ts'
import { tellRecovery } from '../../../src-main/app/tell-recovery.ts'
import { haproxy } from '../domain/fleet/readings.ts'

test('a daemon that answers again is told of once, after its reading was taken', () => {
  const told: string[] = []
  const sink: RoundSink = {
    probed: () => told.push('probed'),
    read: () => {
      told.push('read')
      return { restarted: true }
    },
    failed: (nodeId, kind) => told.push(`${kind} on ${nodeId} failed`),
    unreachable: () => told.push('unreachable'),
  }
  const telling = tellRecovery(sink, () => told.push('recovered'))
  const [lb1, lb2] = ['lb1', 'lb2'] as [NodeId, NodeId]
  const round: ServiceRound = { reading: haproxy([]), at: 0, costMs: 1, costBytes: null }
  const error = new AppError('daemon.not-running', 'It does not run.')

  telling.probed(lb1, [])
  expect(telling.read(lb1, round)).toEqual({ restarted: true })
  telling.failed(lb1, 'haproxy', error)
  telling.failed(lb1, 'haproxy', error)
  telling.read(lb2, round)
  telling.unreachable(lb1, error)
  telling.read(lb1, round)
  telling.read(lb1, round)
  expect(told).toEqual([
    'probed',
    'read',
    'haproxy on lb1 failed',
    'haproxy on lb1 failed',
    'read',
    'unreachable',
    'read',
    'recovered',
    'read',
  ])
})
