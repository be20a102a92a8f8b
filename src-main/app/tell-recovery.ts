import type { RoundSink } from './poller.ts'

/** The same sink, which also tells whenever a daemon answers again that had not answered: what waited for it can go on. */
export function tellRecovery(sink: RoundSink, onRecovered: () => void): RoundSink {
  const silent = new Set<string>()
  return {
    probed: (nodeId, services) => sink.probed(nodeId, services),
    read(nodeId, round) {
      const answer = sink.read(nodeId, round)
      if (silent.delete(`${nodeId}/${round.reading.kind}`)) onRecovered()
      return answer
    },
    failed(nodeId, kind, error) {
      silent.add(`${nodeId}/${kind}`)
      sink.failed(nodeId, kind, error)
    },
    // the connection's own recovery is told by the sessions
    unreachable: (nodeId, error) => sink.unreachable(nodeId, error),
  }
}
