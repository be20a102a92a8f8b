import * as v from 'valibot'
import { ServiceKind } from './fleet.ts'
import { EpochMs, NodeId, PushId } from './ids.ts'

/** A configuration file of a node as it was at one time. */
export const ConfigVersion = v.strictObject({
  id: v.number(),
  nodeId: NodeId,
  kind: ServiceKind,
  path: v.string(),
  /** of the bytes, hex */
  sha256: v.string(),
  bytes: v.number(),
  at: EpochMs,
  /** `seen`: found on the node, whoever had written it; `pushed`: put there by `push` */
  source: v.picklist(['seen', 'pushed']),
  author: v.nullable(v.string()),
  reason: v.nullable(v.string()),
  push: v.nullable(PushId),
  /** `masked`: the vault could not seal it, so that its passwords were left out: it can be looked at and not be put back */
  kept: v.picklist(['whole', 'masked']),
})
export type ConfigVersion = v.InferOutput<typeof ConfigVersion>

export const ConfigVersionText = v.strictObject({
  version: ConfigVersion,
  /** passwords are masked, as `config.fetch` masks them */
  text: v.string(),
  encoding: v.picklist(['utf-8', 'latin1']),
  masked: v.number(),
})
export type ConfigVersionText = v.InferOutput<typeof ConfigVersionText>
