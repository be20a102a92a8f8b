import type { RoundSink } from '../poller.ts'
import type { DrainKeeper } from './drain-keeper.ts'

/** The same sink, which also has the drains looked after whenever a balancer was read, or could not be. */
export function tellDrains(sink: RoundSink, keeper: Pick<DrainKeeper, 'look' | 'lost'>): RoundSink {
  return {
    probed: (nodeId, services) => sink.probed(nodeId, services),
    read(nodeId, round) {
      const answer = sink.read(nodeId, round)
      if (round.reading.kind !== 'keepalived') keeper.look(nodeId, round.reading.kind)
      return answer
    },
    failed(nodeId, kind, error) {
      sink.failed(nodeId, kind, error)
      if (kind === 'haproxy') keeper.lost(nodeId, error.message)
      // Its servers may stand beside HAProxy's, which can be asked: each is read, and says itself what is wrong.
      if (kind === 'nginx') keeper.look(nodeId, kind)
    },
    unreachable(nodeId, error) {
      sink.unreachable(nodeId, error)
      keeper.lost(nodeId, error.message)
    },
  }
}
