import { pushNodeSuite } from '../contract/push-node-suite.ts'
import { describeLab } from './describe-lab.ts'
import { openPushRoom } from './push-room.ts'

/** One node without systemd; tests/contract/practice-push-node.test.ts does the same to a practice machine. */
describeLab('pushing to one node', () => pushNodeSuite(openPushRoom))
