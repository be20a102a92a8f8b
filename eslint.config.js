import pluginVue from 'eslint-plugin-vue'
import tseslint from 'typescript-eslint'

/** Types are judged by vue-tsc, borders by dependency-cruiser; this keeps the habits that neither of them sees. */
export default tseslint.config(
  { ignores: ['out/**', 'dist/**', 'coverage/**', 'node_modules/**', '.lab/**', 'docs/**'] },
  ...tseslint.configs.recommended,
  ...pluginVue.configs['flat/recommended'],
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      // Layout belongs to prettier.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      // File names are kebab-case nouns; `age.vue` says what it is.
      'vue/multi-word-component-names': 'off',
      // TypeScript's optional props already say what is optional.
      'vue/require-default-prop': 'off',
      // Text from a node is data: it never becomes markup.
      'vue/no-v-html': 'error',
    },
  },
  {
    files: ['**/*.{ts,vue,js,mjs}'],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      '@typescript-eslint/consistent-type-imports': ['error', { disallowTypeAnnotations: false }],
      'no-console': 'error',
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-restricted-syntax': [
        'error',
        {
          selector: "CallExpression[callee.object.name='shell'][callee.property.name='openExternal']",
          message: 'Open links through shells/desktop/open-external.ts, which checks scheme and host.',
        },
        {
          selector: "NewExpression[callee.name='Client'][arguments.length=0]",
          message: 'Connect through transport/ssh/connect.ts: a bare ssh2 Client accepts any host key.',
        },
      ],
    },
  },
  {
    files: ['src-main/transport/ssh/connect.ts', 'tests/**', 'src-main/shells/desktop/open-external.ts'],
    rules: { 'no-restricted-syntax': 'off' },
  },
  { files: ['tests/**', 'resources/**'], rules: { 'no-console': 'off' } },
)
