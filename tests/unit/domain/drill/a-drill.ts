import * as v from 'valibot'
import { DrillPlan, DrillRecord, type DrillEvent, type DrillView, type NodeId } from '#contract'

export const plan = v.parse(DrillPlan, {
  name: 'lb1 loses its turn',
  hypothesis: 'The address moves to lb2 within 4 s, and nobody waits longer than half a second.',
  router: 'edge/VI_edge',
  fault: { kind: 'priority-drop' },
  probe: { host: '198.18.7.10', port: 80 },
  expect: { moves: true, outageMs: 500 },
})

const injectedAt = 1_800_000_010_000
export const record: DrillRecord = v.parse(DrillRecord, {
  id: 'd-1',
  plan,
  environment: {
    evenkeel: '0.5.0',
    members: [
      { nodeId: 'lb1', priority: 150, services: ['haproxy 2.6.12', 'keepalived 2.2.7'] },
      { nodeId: 'lb2', priority: 100, services: ['haproxy 2.6.12', 'keepalived 2.2.7'] },
    ],
  },
  author: 'mk@desk (cli)',
  reason: 'every quarter',
  createdAt: injectedAt - 5400,
  endedAt: injectedAt + 20_000,
  state: 'ended',
  said: 'over',
  node: 'lb1',
  holder: 'lb1',
  prediction: {
    router: 'edge/VI_edge',
    node: 'lb1',
    fault: 'priority-drop',
    moves: true,
    to: 'lb2',
    takeover: { earliestMs: 2609.4, latestMs: 3659.4 },
    outage: { earliestMs: 0, latestMs: 100 },
    failback: null,
    phases: [
      { phase: 'detection', earliestMs: 2000, latestMs: 3000 },
      { phase: 'election', earliestMs: 609.4, latestMs: 609.4 },
      { phase: 'announcement', earliestMs: 0, latestMs: 50 },
      { phase: 'answer', earliestMs: 0, latestMs: 50 },
    ],
    formula: '3 × 1000 ms + (256 − 100) ÷ 256 × 1000 ms = 3609 ms after the last advert',
    notes: [],
  },
  injectedAt,
  injectionMs: 40,
  revertedAt: injectedAt + 10_000,
  ending: 'time',
  verdict: 'proven',
  grounds: ['The address moved to lb2, as expected.'],
  restored: true,
  differences: [],
  takeoverMs: 3012,
  phases: [],
  figures: [
    {
      vantage: 'console',
      sent: 1000,
      failed: 0,
      slow: 0,
      p50Ms: 1.2,
      p99Ms: 3.4,
      outageMs: 28.4,
      lastGoodAt: injectedAt + 3001,
      firstGoodAt: injectedAt + 3029,
      failbackOutageMs: 24,
      held: [],
      clockOffsetMs: 0,
      uncertaintyMs: 0,
    },
  ],
  reportSha256: 'ab'.repeat(32),
})

const event = (after: number, kind: DrillEvent['kind'], nodeId: string | null, text: string): DrillEvent => ({
  at: injectedAt + after,
  kind,
  nodeId: nodeId as NodeId | null,
  text,
})

export const view: DrillView = {
  record,
  events: [
    event(-5400, 'started', null, 'mk: every quarter'),
    event(0, 'injected', 'lb1', 'priority-drop'),
    event(3012, 'vip-gained', 'lb2', 'has the address'),
    event(3013, 'vip-lost', 'lb1', 'has the address no more'),
    event(10_000, 'reverted', 'lb1', 'taken back'),
    event(13_420, 'vip-gained', 'lb1', 'has the address'),
    event(13_421, 'vip-lost', 'lb2', 'has the address no more'),
  ],
  commands: [
    {
      nodeId: record.node,
      at: injectedAt - 3,
      via: 'ssh',
      command: 'echo -100 > /run/<adjust> & "more"',
      exitCode: 0,
      reply: '',
    },
  ],
  answers: [
    { vantage: 'console', fromAt: injectedAt - 5000, sliceMs: 1000, worstMs: [2, 2, 3, 2, 2, 2, 2, 2, -1, 2, null, 2] },
  ],
}
