import { EditorState, type Extension } from '@codemirror/state'
import { useI18n } from 'vue-i18n'

/** CodeMirror's own words in the window's language. */
export function usePhrases(): () => Extension {
  const { t } = useI18n()
  return () =>
    EditorState.phrases.of({
      Find: t('editor.find'),
      next: t('editor.next'),
      previous: t('editor.previous'),
      all: t('editor.all'),
      'match case': t('editor.matchCase'),
      regexp: t('editor.regexp'),
      'by word': t('editor.byWord'),
      close: t('editor.close'),
      'Go to line': t('editor.goToLine'),
      go: t('editor.go'),
      'folded code': t('editor.foldedCode'),
      unfold: t('editor.unfold'),
      'Fold line': t('editor.foldLine'),
      'Unfold line': t('editor.unfoldLine'),
      '$ unchanged lines': t('editor.unchanged'),
      Diagnostics: t('editor.diagnostics'),
      'No diagnostics': t('editor.noDiagnostics'),
    })
}
