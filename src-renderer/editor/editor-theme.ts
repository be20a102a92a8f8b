import { HighlightStyle, syntaxHighlighting } from '@codemirror/language'
import { EditorView } from '@codemirror/view'
import { tags } from '@lezer/highlight'

/** Tokens alone, which reach into the editor's shadow root; so both themes, and a switch between them, need nothing here. */
const theme = EditorView.theme({
  '&': { height: '100%', color: 'var(--fg-1)', backgroundColor: 'var(--bg-1)', fontSize: '12px' },
  '&.cm-focused': { outline: 'none' },
  '.cm-scroller': { fontFamily: 'var(--font-mono)', lineHeight: '1.5', overflow: 'auto' },
  '.cm-content': { caretColor: 'var(--accent)', padding: '6px 0' },
  '.cm-cursor': { borderLeftColor: 'var(--accent)' },
  '.cm-gutters': { backgroundColor: 'var(--bg-1)', color: 'var(--fg-3)', border: 'none' },
  '.cm-lineNumbers .cm-gutterElement': { padding: '0 6px 0 12px' },
  '.cm-activeLine': { backgroundColor: 'color-mix(in srgb, var(--bg-3) 60%, transparent)' },
  '.cm-activeLineGutter': { backgroundColor: 'var(--bg-3)', color: 'var(--fg-1)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    backgroundColor: 'color-mix(in srgb, var(--accent) 30%, transparent)',
  },
  '.cm-foldPlaceholder': {
    backgroundColor: 'var(--bg-3)',
    border: '1px solid var(--line-2)',
    color: 'var(--fg-2)',
    padding: '0 5px',
  },
  '.cm-panels': { backgroundColor: 'var(--bg-2)', color: 'var(--fg-1)' },
  '.cm-panels.cm-panels-top': { borderBottom: '1px solid var(--line-2)' },
  '.cm-panel.cm-search': { padding: '6px 28px 6px 8px', fontFamily: 'var(--font-ui)', fontSize: 'var(--t-sm)' },
  '.cm-panel.cm-search label': { fontSize: 'var(--t-sm)' },
  '.cm-textfield, .cm-button': { fontSize: 'var(--t-sm)', padding: '2px 7px' },
  '.cm-textfield': {
    backgroundColor: 'var(--bg-1)',
    border: '1px solid var(--line-3)',
    borderRadius: 'var(--r-1)',
    color: 'var(--fg-1)',
  },
  '.cm-button': {
    backgroundImage: 'none',
    backgroundColor: 'var(--bg-2)',
    border: '1px solid var(--line-2)',
    borderRadius: 'var(--r-1)',
    color: 'var(--fg-1)',
  },
  '.cm-searchMatch': { backgroundColor: 'var(--chg-bg)', outline: '1px solid var(--st-degraded-hue)' },
  '.cm-searchMatch-selected': { backgroundColor: 'var(--st-degraded-bg)' },
  '.cm-tooltip': {
    backgroundColor: 'var(--bg-2)',
    color: 'var(--fg-1)',
    border: '1px solid var(--line-2)',
    borderRadius: 'var(--r-2)',
    maxWidth: '440px',
    fontFamily: 'var(--font-ui)',
    fontSize: 'var(--t-sm)',
  },
  '.cm-tooltip.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--font-mono)', maxHeight: '14em' },
  '.cm-tooltip-autocomplete ul li[aria-selected]': { background: 'var(--accent-bg)', color: 'var(--fg-1)' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: '600' },
  '.cm-tooltip.cm-completionInfo': { padding: '5px 9px' },
  '.cm-help': { padding: '5px 9px' },
  '.cm-diagnostic': { padding: '5px 9px' },
  '.cm-diagnostic-error': { borderLeftColor: 'var(--st-down-hue)' },
  '.cm-diagnostic-warning': { borderLeftColor: 'var(--st-degraded-hue)' },
  '.cm-diagnostic-info': { borderLeftColor: 'var(--st-draining-hue)' },
  '.cm-lint-marker': { width: '9px', height: '9px' },
  '.cm-gutter-lint': { width: '15px' },
  // merge view
  '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--del-bg)' },
  '&.cm-merge-b .cm-changedLine, .cm-inlineChangedLine': { backgroundColor: 'var(--add-bg)' },
  '&.cm-merge-a .cm-changedText, .cm-deletedChunk .cm-deletedText': {
    background: 'color-mix(in srgb, var(--st-down-hue) 16%, transparent)',
  },
  '&.cm-merge-b .cm-changedText': { background: 'color-mix(in srgb, var(--st-up-hue) 16%, transparent)' },
  // the glyph that CodeMirror puts here is missing in most fonts
  '.cm-collapsedLines:before, .cm-collapsedLines:after': { content: '"···"' },
  '.cm-collapsedLines': { background: 'var(--bg-3)', color: 'var(--fg-2)', fontFamily: 'var(--font-ui)', padding: '3px 12px' },
})

const highlight = HighlightStyle.define([
  { tag: tags.keyword, color: 'var(--sx-key)' },
  { tag: tags.heading, color: 'var(--sx-key)', fontWeight: '600' },
  { tag: tags.typeName, color: 'var(--sx-name)', fontWeight: '600' },
  { tag: tags.variableName, color: 'var(--sx-name)' },
  { tag: tags.string, color: 'var(--sx-str)' },
  { tag: tags.number, color: 'var(--sx-num)' },
  { tag: tags.comment, color: 'var(--sx-com)' },
  { tag: tags.punctuation, color: 'var(--fg-3)' },
])

export const editorTheme = [theme, syntaxHighlighting(highlight)]
