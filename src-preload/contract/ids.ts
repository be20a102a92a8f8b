import * as v from 'valibot'

/**
 * Branded string ids. A plain string never slips in where an id of another kind is meant.
 *
 * `NodeId`, `SiteId` and `PairId` are chosen by the operator (they appear in the inventory file and on the command line);
 * the others are made by the application.
 */
const slug = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/,
    'an id is 1 to 63 letters, digits, ".", "_" or "-" and starts with a letter or digit',
  ),
)
const made = v.pipe(v.string(), v.minLength(1), v.maxLength(1024))

export const NodeId = v.pipe(slug, v.brand('NodeId'))
export type NodeId = v.InferOutput<typeof NodeId>

export const SiteId = v.pipe(slug, v.brand('SiteId'))
export type SiteId = v.InferOutput<typeof SiteId>

export const PairId = v.pipe(slug, v.brand('PairId'))
export type PairId = v.InferOutput<typeof PairId>

/** `<pair or node id>/<haproxy|nginx|nginx-stream>/<pool name>`: one pool as the operator sees it, across the balancers of a pair. */
export const PoolId = v.pipe(made, v.brand('PoolId'))
export type PoolId = v.InferOutput<typeof PoolId>

/** `<pool id>/<server name>`: one row of the Pools page. */
export const ServerId = v.pipe(made, v.brand('ServerId'))
export type ServerId = v.InferOutput<typeof ServerId>

/** `<pair or node id>/<vrrp_instance name>` */
export const RouterId = v.pipe(made, v.brand('RouterId'))
export type RouterId = v.InferOutput<typeof RouterId>

export const JobId = v.pipe(made, v.brand('JobId'))
export type JobId = v.InferOutput<typeof JobId>

export const DrainId = v.pipe(made, v.brand('DrainId'))
export type DrainId = v.InferOutput<typeof DrainId>

export const PushId = v.pipe(made, v.brand('PushId'))
export type PushId = v.InferOutput<typeof PushId>

export const DrillId = v.pipe(made, v.brand('DrillId'))
export type DrillId = v.InferOutput<typeof DrillId>

/** Milliseconds since 1970-01-01T00:00:00Z, a whole number. */
export const EpochMs = v.pipe(v.number(), v.integer(), v.minValue(0))
export type EpochMs = v.InferOutput<typeof EpochMs>

/** A length of time in milliseconds, a whole number. */
export const Milliseconds = v.pipe(v.number(), v.integer(), v.minValue(0))
