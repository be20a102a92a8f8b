/** Text as it may stand in HTML and SVG, between tags or in an attribute. */
export const escapeText = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
