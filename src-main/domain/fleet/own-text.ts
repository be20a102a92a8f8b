/** V8 copies shorter pieces; a longer one points into the text it was cut from. */
const copiedBelow = 13

/**
 * The same text, holding on to no other. A name cut out of a reply keeps the whole reply in memory for as long as the name is kept, and
 * entities that did not change are kept for days: every server could hold on to a reply of hundreds of kilobytes of its own.
 * Joining makes a new text when it is cut again.
 */
export function ownText<T extends string>(text: T): T {
  return text.length < copiedBelow ? text : (` ${text}`.slice(1) as T)
}
